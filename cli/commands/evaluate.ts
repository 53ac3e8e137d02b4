import type { ModelMetadata } from '../../deploy/index.js';
import { invalidInput } from '../../base/errors.js';
import { readInput } from '../../base/files.js';
import type { Measurement } from '../../latency-models/index.js';
import { estimateText } from '../../base/certainty.js';
import { percentilesText, valueText } from '../../base/number-text.js';
import { type TaskType, isBoxTask } from '../../base/task.js';
import { classReport, ms, providerText } from '../../reports/index.js';
import { accuracyOf, measures } from '../../experiments/schema/measures.js';
import { command, dataOrBoxesOption, jsonOption } from '../command.js';
import { boxSizes, classFacts, type Details, areOfBoxes } from '../../base/scores.js';
import { wholeNumber } from '../arguments/values.js';
import { classListing, seenListing, sidesListing, wrongListing } from '../output/classes.js';
import { sheetWriter } from '../output/sheet.js';
import { json, renderFacts, warningLine, type Fact } from '../output/terminal.js';
import { createCounter } from '../progress/counter.js';

const lossTitles: { readonly [T in TaskType]: string } = {
  classification: 'cross-entropy',
  'multi-label': 'binary cross-entropy',
  regression: 'Huber loss',
  detection: 'loss of boxes',
  centroids: 'focal loss',
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

export const evaluate = command({
  usage: 'evaluate <model>',
  summary: 'Measure the accuracy and the latency of a classifier or detector',
  examples: [
    ['evaluate models/trial-7/model.onnx --data runs/quickstart', 'on the test images of its run'],
    ['evaluate model.onnx --data cifar10:data/cifar-10-batches-bin --split validation', 'on other data'],
    ['evaluate faces.onnx --data boxes:photos', 'a detector on images with boxes: AP50, AP, F1'],
    [
      'evaluate faces.onnx --data boxes:photos --sheet found.html',
      'and a page of images with right, missed and wrong boxes',
    ],
  ],
  options: (yargs) =>
    yargs
      .positional('model', {
        type: 'string',
        demandOption: true,
        describe:
          'ONNX file, .tflite file of nas export, or a TF.js model: its folder, its model.json or a .zip of them',
      })
      .option('data', dataOrBoxesOption)
      .option('split', {
        choices: ['test', 'validation', 'train'] as const,
        default: 'test' as const,
        describe: 'Images',
      })
      .option('size', {
        type: 'number',
        describe: 'Height and width of the images, where they are others than the model was exported for',
      })
      .option('threads', { type: 'number', default: 1, describe: 'Threads of ONNX Runtime' })
      .option('provider', { type: 'string', default: 'cpu', describe: 'Execution provider, as nas doctor lists them' })
      .option('wrong', {
        type: 'boolean',
        default: false,
        describe:
          'Lists the images that it takes for another class with the highest confidence, or with most missed and wrong boxes',
      })
      .option('sheet', {
        alias: 'o',
        type: 'string',
        describe: 'Write images with right, missed and wrong boxes of a detector to this .html file',
      })
      .option('json', jsonOption),
  run: async ({ model: file, data, split, size: side, threads, provider, wrong, sheet, json: asJson }, terminal) => {
    const writeSheet = sheetWriter(sheet);
    const { classifierFile, requireRunnable } = await import('../../compiler/index.js');
    const { readMetadata, renderingOfModel, tfliteAsOnnx } = await import('../../deploy/index.js');
    const size = side === undefined ? undefined : wholeNumber('--size', side, 8);
    const isTflite = file.endsWith('.tflite');
    if (isTflite && size !== undefined)
      throw invalidInput(`--size ${size}: ${file} takes images of one size`, { hint: 'Leave --size out.' });
    const model = isTflite ? tfliteAsOnnx(readInput(file), file) : await classifierFile(file, size);
    if (sheet !== undefined && !isBoxTask(readMetadata(model).task?.type))
      throw invalidInput(`--sheet ${sheet}: ${file} is no detector`, {
        hint: '--wrong lists mistakes of classifiers.',
      });
    const { parseDatasetOrBoxes, prepareFor } = await import('../arguments/dataset.js');
    const rendering = renderingOfModel(model, file);
    await requireRunnable(model, file, { provider });
    const config = await parseDatasetOrBoxes(data, rendering);
    const { evaluateOnSplit } = await import('../../runner/index.js');
    const { describeDataset } = await import('../../trainers/index.js');
    const executedFacts = ({ environment }: Measurement): readonly Fact[] => [
      ['executed', precisionText(environment)],
      ...(environment.notes ?? []).map((note): Fact => ['note', note]),
    ];
    const { createDevice, deviceSchema, measureOne, precisionText, saturates, saturationText } =
      await import('../../latency-models/index.js');
    const counter = createCounter(terminal);
    const onProgress = counter.show;
    const dataset = await prepareFor(data, config, rendering, {
      onProgress: onProgress('images converted'),
      onNote: (message) => terminal.err(`${message}\n`),
    });
    // The seed of the bootstrap of boxes: the same file has the same errors.
    const keepsWrong = wrong || sheet !== undefined;
    const options = { threads, provider, keepsWrong, seed: 1, onProgress: onProgress('images classified') };
    const found = await evaluateOnSplit(model, dataset, split, options);
    const device = createDevice(deviceSchema.parse({ provider, threads }));
    // What runs here is an ONNX file in place of a .tflite file, whose latency is another one.
    const latency = isTflite
      ? null
      : await measureOne(device, model, undefined, { onProgress: onProgress('blocks timed') });
    const isSaturated = latency !== null && (await saturates(device, model, latency.environment));
    counter.close();
    const metadata = readMetadata(model);
    const { precision, quantization } = metadata;
    const { classes } = describeDataset(dataset);
    const { details, ...scores } = found;
    const of = `the ${split} images`;
    const report = classReport(classes, details, of);
    const { title, unit } = measures[accuracyOf('train', details.type)];
    const scoreError = areOfBoxes(details) ? details.errors?.score : undefined;
    const scored = `${estimateText(unit, scores.accuracy, scoreError)} of ${scores.count} images of the ${split} split`;
    await writeSheet(async () => {
      if (!areOfBoxes(details)) throw new Error('sheets are for detectors');
      const { detectionSheet } = await import('../../experiments/data/index.js');
      const { renderPrecisionRecall } = await import('../../ui/index.js');
      const facts = classFacts(report).map(([name, value]) => `${name} ${value}`);
      const chart = renderPrecisionRecall(report);
      const summary = [[`${title} ${scored}`, ...facts].join(', ')];
      return detectionSheet({ name: file, of, classes, details, summary, charts: chart === null ? [] : [chart] });
    });
    if (asJson) {
      const byClass = details.type === 'classification' ? details : {};
      const ofBoxes = areOfBoxes(details) ? { ...details, classes: undefined } : {};
      const timing = latency && {
        ...{ ms: latency.ms, p50: latency.p50, p95: latency.p95, p99: latency.p99, interval: latency.interval },
        ...{ converged: latency.converged, environment: latency.environment },
      };
      terminal.out(
        json({
          model: file,
          precision,
          quantization,
          split,
          ...scores,
          metrics: report.metrics,
          ...byClass,
          ...ofBoxes,
          perClass: report.classes,
          latency: timing,
          ...(latency?.environment.precision === 'int8' && { saturates: isSaturated }),
        }),
      );
      return;
    }
    terminal.out(
      renderFacts(
        [
          ['model', file],
          ...precisionFacts(metadata),
          [title, scored],
          ...(latency === null ? [computedFact] : executedFacts(latency)),
          [lossTitles[details.type], scores.loss.toFixed(4)],
          ...classFacts(report),
          ...boxFacts(details, metadata),
          ...(latency === null ? [] : latencyFacts(latency, threads)),
        ],
        terminal.colors,
      ),
    );
    terminal.out(classListing(report, terminal.colors));
    terminal.out(sidesListing(report, terminal.colors));
    if (wrong && report.wrong !== undefined) terminal.out(wrongListing(report, report.wrong, terminal.colors));
    if (wrong && report.seen !== undefined) terminal.out(seenListing(report.seen, terminal.colors));
    if (sheet !== undefined) terminal.out(`\nwrote ${sheet}\n`);
    if (isSaturated)
      terminal.err(warningLine(`${saturationText}. The accuracy above is that of exact arithmetic`, terminal.colors));
  },
});
