import type { ModelMetadata } from '../../deploy/index.js';
import { percentilesText, valueText } from '../../base/number-text.js';
import type { TaskType } from '../../base/task.js';
import { classReport, ms, providerText } from '../../reports/index.js';
import { accuracyOf, measures } from '../../experiments/schema/measures.js';
import { command, dataOption, jsonOption } from '../command.js';
import { classFacts } from '../../base/scores.js';
import { wholeNumber } from '../arguments/values.js';
import { classListing, wrongListing } from '../output/classes.js';
import { json, renderFacts, warningLine, type Fact } from '../output/terminal.js';
import { createCounter } from '../progress/counter.js';

const lossTitles: { readonly [T in TaskType]: string } = {
  classification: 'cross-entropy',
  'multi-label': 'binary cross-entropy',
  regression: 'Huber loss',
  detection: 'loss of boxes',
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

export const evaluate = command({
  usage: 'evaluate <model>',
  summary: 'Measure the accuracy and the latency of a classifier',
  examples: [
    ['evaluate models/trial-7/model.onnx --data runs/quickstart', 'on the test images of its run'],
    ['evaluate model.onnx --data cifar10:data/cifar-10-batches-bin --split validation', 'on other data'],
  ],
  options: (yargs) =>
    yargs
      .positional('model', {
        type: 'string',
        demandOption: true,
        describe: 'ONNX file, or a TF.js model: its folder, its model.json or a .zip of them',
      })
      .option('data', dataOption)
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
        describe: 'Lists the images that it takes for another class with the highest confidence',
      })
      .option('json', jsonOption),
  run: async (
    { model: file, data, split, size: side, threads, provider, wrong: keepsWrong, json: asJson },
    terminal,
  ) => {
    const { classifierFile, requireRunnable } = await import('../../compiler/index.js');
    const { readMetadata, renderingOfModel } = await import('../../deploy/index.js');
    const size = side === undefined ? undefined : wholeNumber('--size', side, 8);
    const model = await classifierFile(file, size);
    const { parseDataset, prepareFor } = await import('../arguments/dataset.js');
    const rendering = renderingOfModel(model, file);
    await requireRunnable(model, file, { provider });
    const config = parseDataset(data, rendering);
    const { evaluateOnSplit } = await import('../../runner/index.js');
    const { describeDataset } = await import('../../trainers/index.js');
    const { createDevice, deviceSchema, measureOne, precisionText, saturates, saturationText } =
      await import('../../latency-models/index.js');
    const counter = createCounter(terminal);
    const onProgress = counter.show;
    const dataset = await prepareFor(data, config, rendering, {
      onProgress: onProgress('images converted'),
      onNote: (message) => terminal.err(`${message}\n`),
    });
    const options = { threads, provider, keepsWrong, onProgress: onProgress('images classified') };
    const found = await evaluateOnSplit(model, dataset, split, options);
    const device = createDevice(deviceSchema.parse({ provider, threads }));
    const latency = await measureOne(device, model, undefined, { onProgress: onProgress('blocks timed') });
    const isSaturated = await saturates(device, model, latency.environment);
    counter.close();
    const { precision, quantization } = readMetadata(model);
    const { classes, task } = describeDataset(dataset);
    const { details, ...scores } = found;
    const report = classReport(classes, details, `the ${split} images`);
    if (asJson) {
      const byClass = details.type === 'classification' ? details : {};
      const { ms: centre, p50, p95, p99, interval, converged, environment } = latency;
      const timing = { ms: centre, p50, p95, p99, interval, converged, environment };
      terminal.out(
        json({
          model: file,
          precision,
          quantization,
          split,
          ...scores,
          metrics: report.metrics,
          ...byClass,
          perClass: report.classes,
          latency: timing,
          ...(environment.precision === 'int8' && { saturates: isSaturated }),
        }),
      );
      return;
    }
    const [low, high] = latency.interval;
    const { environment } = latency;
    const { title, unit } = measures[accuracyOf('train', task.type)];
    const { cpu } = environment;
    terminal.out(
      renderFacts(
        [
          ['model', file],
          ...precisionFacts(readMetadata(model)),
          [title, `${valueText(unit, scores.accuracy)} of ${scores.count} images of the ${split} split`],
          ['executed', precisionText(environment)],
          ...(environment.notes ?? []).map((note): Fact => ['note', note]),
          [lossTitles[task.type], scores.loss.toFixed(4)],
          ...classFacts(report),
          ['latency', `${ms(latency.ms)} (measured; 95 % interval ${ms(low)} to ${ms(high)}), batch 1`],
          ['percentiles', percentilesText(latency)],
          ['device', `${cpu}, ${threads} thread${threads === 1 ? '' : 's'}, ${providerText(environment)}`],
        ],
        terminal.colors,
      ),
    );
    terminal.out(classListing(report, terminal.colors));
    if (report.wrong !== undefined) terminal.out(wrongListing(report, report.wrong, terminal.colors));
    if (isSaturated)
      terminal.err(warningLine(`${saturationText}. The accuracy above is that of exact arithmetic`, terminal.colors));
  },
});
