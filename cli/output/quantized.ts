import { bytes, ms, percent } from '../../base/number-text.js';
import { mainScores, scoreChange, scoreText } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import type { IntegerArithmetic } from '../../compiler/index.js';
import type { WeightBits } from '../../deploy/index.js';
import { speedupOf, type Win } from '../../experiments/compress/index.js';
import type { Environment, Measurement } from '../../latency-models/index.js';
import { type Colors, type Column, renderFacts, renderTable } from './terminal.js';

type Normalisation = Readonly<Partial<Record<'mean' | 'std', readonly number[]>>>;

/** Warnings about the normalisation of images. */
export function preparedOtherwise(model: Normalisation, data: Required<Normalisation>): string[] {
  const { mean, std } = model;
  if (mean === undefined || std === undefined)
    return ['the file has no normalisation (mean and std in its metadata_props): that of the data is used'];
  const isSame = (a: readonly number[], b: readonly number[]) => a.every((x, i) => Math.abs(x - b[i]) < 1e-6);
  if (isSame(mean, data.mean) && isSame(std, data.std)) return [];
  return ['the model normalises images differently from the data: images were converted'];
}

export const measurementWarnings = (name: string, { reliable, reasons }: Measurement): string[] =>
  reliable ? [] : [`the latency of the ${name} model is not reliable: ${reasons.join('; ')}`];

/** Warnings about int8 on this device. */
export function surprises(
  { precision = 'int8' }: Environment,
  bits: WeightBits,
  integers: IntegerArithmetic | null,
): string[] {
  return [
    ...(precision === 'int8' ? [] : [`its weights are bytes, but this device computes it in ${precision}`]),
    ...(bits === 8 && integers === 'saturating'
      ? ['8-bit weights on a device that sums in 16 bits: its accuracy is lower than shown; --weight-bits 7 is exact']
      : []),
  ];
}

interface ShownLatency {
  readonly ms: number;
  readonly interval: readonly [low: number, high: number];
}

interface BeforeAfter<T> {
  readonly fp32: T;
  readonly int8: T;
}

export interface ShownFloat {
  readonly operator: string;
  readonly node: string;
  /** Null when unknown. */
  readonly reason: string | null;
  /** Approximate ms per run; null without a profile. */
  readonly ms: number | null;
}

/** Result of `nas quantize`. */
export interface QuantizedReport extends Win {
  readonly model: string;
  readonly output: string;
  readonly device: string;
  /** Integer arithmetic of the device; null when unknown. */
  readonly integers: 'exact' | 'saturating' | null;
  readonly method: string;
  readonly tried: readonly { readonly method: string; readonly accuracy: number }[];
  readonly images: number;
  readonly weightBits: number;
  readonly task: TaskType;
  readonly accuracy: { readonly validation: BeforeAfter<number>; readonly test: BeforeAfter<number> };
  readonly latency: BeforeAfter<ShownLatency>;
  readonly bytes: BeforeAfter<number>;
  readonly floats: readonly ShownFloat[];
  readonly warnings: readonly string[];
}

const inBoth = ({ fp32, int8 }: BeforeAfter<ShownLatency>) => ({ fp32: fp32.ms, int8: int8.ms });

interface Row {
  readonly what: string;
  readonly before: string;
  readonly after: string;
  readonly change?: string;
}

const columns: readonly Column<Row>[] = [
  { title: '', cell: ({ what }) => what },
  { title: 'fp32', numeric: true, cell: ({ before }) => before },
  { title: 'int8', numeric: true, cell: ({ after }) => after },
  { title: '', cell: ({ change }) => change ?? '' },
];

const sizeChange = ({ fp32, int8 }: BeforeAfter<number>): string =>
  int8 <= fp32 ? `${(fp32 / int8).toFixed(1)} × smaller` : `${(int8 / fp32).toFixed(1)} × larger`;

function rows({ task, accuracy, latency, bytes: size, weightBits }: QuantizedReport): Row[] {
  const accuracyRow = (what: string, { fp32, int8 }: BeforeAfter<number>): Row => ({
    what,
    before: scoreText(task, fp32),
    after: scoreText(task, int8),
    change: scoreChange(task, int8 - fp32),
  });
  const within = ({ interval: [low, high] }: ShownLatency): string => `${ms(low)} to ${ms(high)}`;
  return [
    accuracyRow(`validation ${mainScores[task].title}`, accuracy.validation),
    accuracyRow(`test ${mainScores[task].title}`, accuracy.test),
    {
      what: 'latency',
      before: ms(latency.fp32.ms),
      after: ms(latency.int8.ms),
      change: `${speedupOf(inBoth(latency)).toFixed(2)} × as fast`,
    },
    { what: '95 % interval', before: within(latency.fp32), after: within(latency.int8) },
    {
      what: 'file',
      before: bytes(size.fp32),
      after: bytes(size.int8),
      change: sizeChange(size),
    },
    { what: 'weights', before: '32 bits', after: `${weightBits} bits` },
  ];
}

const sums = {
  exact: 'exact',
  saturating: 'saturate in 16 bits (no VNNI): weights of 7 bits are exact, of 8 bits are not',
} as const;

const floatColumns = (latency: ShownLatency): readonly Column<ShownFloat>[] => [
  { title: 'operator', cell: ({ operator }) => operator },
  { title: 'node', cell: ({ node }) => node },
  {
    title: 'share of the time',
    numeric: true,
    cell: ({ ms: spent }) => (spent === null ? '-' : percent(Math.min(1, spent / latency.ms))),
  },
  { title: 'why', cell: ({ reason }) => reason ?? '' },
];

export function quantizedTable(report: QuantizedReport, colors: Colors): string {
  const { model, output, device, integers, method, tried, images, floats, pays, verdict } = report;
  const trials = tried.map((one) => `${one.method} ${scoreText(report.task, one.accuracy)}`).join(', ');
  const facts = renderFacts(
    [
      ['model', model],
      ['int8 model', output],
      ['calibration', `${method} (validation ${mainScores[report.task].title}: ${trials}), ${images} training images`],
      ['device', device],
      ...(integers === null ? [] : [['sums of bytes', sums[integers]] as const]),
    ],
    colors,
  );
  const inFloat =
    floats.length === 0
      ? ''
      : `\n${colors.bold('Stays in float')}\n${renderTable(floatColumns(report.latency.int8), floats, colors)}`;
  const paint = pays ? colors.green : colors.yellow;
  return `${facts}\n${renderTable(columns, rows(report), colors)}${inFloat}\n${paint(verdict)}\n`;
}
