import type { ModelMetadata } from '../../deploy/index.js';
import type { Measurement } from '../../latency-models/index.js';
import { estimateText } from '../../base/certainty.js';
import { percentilesText, valueText } from '../../base/number-text.js';
import type { Compared, Discordance } from '../../base/paired.js';
import type { TaskType } from '../../base/task.js';
import { ms, providerText, type ClassReport } from '../../reports/index.js';
import {
  areOfBoxes,
  boxSizes,
  classFacts,
  mainScores,
  scoreChange,
  scoreError,
  type Details,
  type Scores,
} from '../../base/scores.js';
import { numeric, renderTable, type Colors, type Column, type Fact } from './terminal.js';

/** What `nas evaluate` finds of one file. */
export interface Evaluated {
  readonly file: string;
  readonly split: string;
  readonly threads: number;
  readonly metadata: Partial<ModelMetadata>;
  readonly scores: Scores;
  readonly report: ClassReport;
  /** Null where it is not measured. */
  readonly latency: Measurement | null;
  /** The arithmetic that ran, as text; absent without a measurement. */
  readonly executed?: string;
  readonly isSaturated: boolean;
  /** With the first of several files; absent where there is no test for the task. */
  readonly compared?: Compared;
}

/** The main score of some images with its standard error. */
const scoreOf = ({ accuracy, details }: Scores): string =>
  estimateText(mainScores[details.type].unit, accuracy, scoreError(details));

/** `91.23 % ± 0.8 of 1000 images of the test split`. */
export const scoredText = ({ scores, split }: Evaluated): string =>
  `${scoreOf(scores)} of ${scores.count} images of the ${split} split`;

const lossTitles: { readonly [T in TaskType]: string } = {
  classification: 'cross-entropy',
  'multi-label': 'binary cross-entropy',
  regression: 'Huber loss',
  detection: 'loss of boxes',
  centroids: 'focal loss',
  segmentation: 'cross-entropy of pixels',
};

function precisionFacts({ precision, weight_format: format, quantization }: Partial<ModelMetadata>): readonly Fact[] {
  const facts: Fact[] = [];
  if (precision !== undefined)
    facts.push(['precision', `${precision}${format === undefined ? '' : `, weights stored in ${format}`}`]);
  if (quantization !== undefined) {
    const { method, images, weight_bits: bits } = quantization;
    facts.push(['quantized', `${method}, ${images} calibration images, weights of ${bits} bits`]);
  }
  return facts;
}

const computedFact: Fact = ['computed by', 'ONNX Runtime, which may round bytes to a neighbour of the one of LiteRT'];

function latencyFacts(latency: Measurement, threads: number): readonly Fact[] {
  const { environment } = latency;
  const [low, high] = latency.interval;
  return [
    ['latency', `${ms(latency.ms)} (measured; 95 % interval ${ms(low)} to ${ms(high)}), batch 1`],
    ['percentiles', percentilesText(latency)],
    ['device', `${environment.cpu}, ${threads} thread${threads === 1 ? '' : 's'}, ${providerText(environment)}`],
  ];
}

const areasText = 'areas up to 32 x 32 and 96 x 96 pixels of the files, and above';

/** The AP of boxes by their area, and where the thresholds of F1 come from. */
function boxFacts(details: Details, { detection }: Partial<ModelMetadata>): readonly Fact[] {
  if (!areOfBoxes(details)) return [];
  const { sizes: found } = details;
  const sizes = found && boxSizes.map((size) => `${size} ${valueText('share', found[size])}`).join(', ');
  const best = 'the best for the other half of the images: the file has none';
  return [
    ...(sizes === undefined ? [] : [['AP by size', `${sizes} (${areasText})`] as const]),
    ['thresholds', detection?.thresholds === undefined ? best : 'of the file, chosen on validation images'],
  ];
}

/** The facts of one file. */
export function evaluatedFacts(found: Evaluated): readonly Fact[] {
  const { file, threads, metadata, scores, report, latency, executed } = found;
  const { details, loss } = scores;
  const isTflite = file.endsWith('.tflite');
  return [
    ['model', file],
    ...precisionFacts(metadata),
    [mainScores[details.type].title, scoredText(found)],
    ...(isTflite ? [computedFact] : []),
    ...(executed === undefined ? [] : [['executed', executed] as const]),
    ...(latency?.environment.notes ?? []).map((note): Fact => ['note', note]),
    [lossTitles[details.type], loss.toFixed(4)],
    ...classFacts(report),
    ...boxFacts(details, metadata),
    ...(latency === null ? [] : latencyFacts(latency, threads)),
  ];
}

/** A p-value: `0.013`, `< 0.001`. */
const chanceText = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3));

/** Several files side by side, and whether their accuracies differ from the first one's. */
export function comparisonTable(all: readonly Evaluated[], colors: Colors): string {
  const [{ scores, split, report, compared: test }] = all;
  const isTimed = all.some(({ latency }) => latency !== null);
  const compared = (cell: (own: Compared) => string) => (one: Evaluated) =>
    one === all[0] || one.compared === undefined ? '-' : cell(one.compared);
  const ofBoth = (key: keyof Discordance) => compared(({ discordance }) => String(discordance?.[key] ?? '-'));
  const columns: readonly Column<Evaluated>[] = [
    { title: 'model', cell: ({ file }) => file },
    { title: 'precision', cell: ({ metadata }) => metadata.precision ?? '-' },
    numeric(mainScores[report.task].title, (one) => scoreOf(one.scores)),
    ...(isTimed ? [numeric('latency', ({ latency }: Evaluated) => (latency === null ? '-' : ms(latency.ms)))] : []),
    ...(test?.discordance === undefined
      ? []
      : [numeric('only it is right', ofBoth('onlySecond')), numeric('only the first', ofBoth('onlyFirst'))]),
    ...(test?.difference === undefined
      ? []
      : [
          numeric(
            'difference',
            compared(
              ({ difference = NaN, error = NaN }) =>
                `${scoreChange(report.task, difference)} ± ${(100 * error).toFixed(2)}`,
            ),
          ),
        ]),
    ...(test === undefined
      ? []
      : [
          numeric(
            'p',
            compared(({ p }) => chanceText(p)),
          ),
        ]),
  ];
  const title = `${scores.count} images of the ${split} split`;
  const name = test?.discordance ? "McNemar's exact test" : 'paired test';
  const said = `p: ${name} of the same ${mainScores[report.task].title} as the first file's; small values say that they differ.`;
  return `${colors.bold(title)}\n${renderTable(columns, all, colors)}${test === undefined ? '' : `${said}\n`}`;
}

const flat = ({ discordance, ...test }: Compared) => ({ ...test, ...discordance });

/** What `--json` prints of a file. */
export function evaluatedJson({ file, split, metadata, scores, report, latency, isSaturated, compared }: Evaluated) {
  const { details, accuracy, loss, count } = scores;
  const standardError = scoreError(details);
  return {
    model: file,
    precision: metadata.precision,
    quantization: metadata.quantization,
    split,
    ...{ accuracy, loss, count },
    ...(standardError !== undefined && { standardError }),
    metrics: report.metrics,
    ...(details.type === 'classification' && details),
    ...(details.type === 'segmentation' && { ...details, classes: undefined }),
    ...(areOfBoxes(details) && { ...details, classes: undefined }),
    perClass: report.classes,
    latency: latency && {
      ...{ ms: latency.ms, p50: latency.p50, p95: latency.p95, p99: latency.p99, interval: latency.interval },
      ...{ converged: latency.converged, environment: latency.environment },
    },
    ...(latency?.environment.precision === 'int8' && { saturates: isSaturated }),
    ...(compared && { againstFirst: flat(compared) }),
  };
}
