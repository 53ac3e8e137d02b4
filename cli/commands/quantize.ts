import { invalidInput } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { separated } from '../../base/text.js';
import { compressSchema } from '../../experiments/schema/compress.js';
import type { ReachableDevice } from '../../latency-models/index.js';
import { deviceOption, parseDevice } from '../arguments/device.js';
import { checkOutput } from '../arguments/output.js';
import { command, dataOrBoxesOption, jsonOption } from '../command.js';
import { quantizedTable } from '../output/quantized.js';
import { json, warningLine } from '../output/terminal.js';
import { createCounter } from '../progress/counter.js';

const defaults = compressSchema.parse({});

/** Allowed values of options, for messages. */
const expected = {
  images: 'a whole number from 1 to 100000',
  methods: 'minmax, percentile, or both with a comma between',
  percentile: 'a number above 50, at most 100',
  maxAccuracyDrop: 'a share from 0 to 1',
  minSpeedup: 'a number above 0',
  threads: 'a whole number of at least 1',
  seed: 'a whole number of at least 0',
} as const;

type Checked = { readonly [K in keyof typeof expected]: K extends 'methods' ? string : number };

function notAllowed(option: keyof Checked, args: Checked): Error {
  return invalidInput(`--${separated(option, '-')}: got ${args[option]}; expected ${expected[option]}`, {
    hint: 'nas quantize --help',
  });
}

/** Options as `compress:` of an experiment, with the same bounds. */
function limitsOf(args: Checked) {
  const { threads, seed } = args;
  if (!Number.isInteger(threads) || threads < 1) throw notAllowed('threads', args);
  if (!Number.isInteger(seed) || seed < 0) throw notAllowed('seed', args);
  const { images, percentile } = args;
  const methods = args.methods.split(',').map((method) => method.trim());
  const parsed = compressSchema.safeParse({
    calibration: { images, methods, percentile },
    max_accuracy_drop: args.maxAccuracyDrop,
    min_speedup: args.minSpeedup,
  });
  if (parsed.success) return parsed.data;
  const key = String(parsed.error.issues[0].path.findLast((one) => typeof one === 'string'));
  const named = key.replaceAll(/_[a-z]/g, (letter) => letter[1].toUpperCase());
  throw notAllowed(named as keyof Checked, args);
}

function runningDevice(argument: string): ReachableDevice {
  const config = parseDevice(argument);
  if (config.type !== 'table' && config.type !== 'serial') return config;
  const why = { table: 'a table cannot time a file', serial: 'a board runs int8 alone, not float32' };
  throw invalidInput(`--device ${argument}: ${why[config.type]}`, {
    hint: 'Give a device that runs both: local, browser or agent. nas latency measure times the int8 file on a board.',
  });
}

export const quantize = command({
  usage: 'quantize <model>',
  summary: 'Quantize an ONNX classifier, detector or segmenter to int8, and judge whether it pays off',
  examples: [
    ['quantize model.onnx --data experiment.yaml -o int8.onnx', 'calibrated on training images of the experiment'],
    ['quantize model.onnx --data image-folder:images -o int8.onnx --device browser', 'timed in a browser'],
    ['quantize faces.onnx --data boxes:photos -o int8.onnx', 'a detector; judged by AP50'],
    ['quantize tiles.onnx --data masks:tiles -o int8.onnx', 'a segmenter; judged by mIoU'],
    ['quantize model.onnx --data cifar10:data -o int8.onnx --methods percentile --percentile 99.9', ''],
  ],
  options: (yargs) =>
    yargs
      .positional('model', { type: 'string', demandOption: true, describe: 'ONNX file, of this or another program' })
      .option('data', dataOrBoxesOption)
      .option('output', { alias: 'o', type: 'string', demandOption: true, describe: 'File of the int8 model' })
      .option('images', {
        type: 'number',
        default: defaults.calibration.images,
        describe: 'Training images for calibration',
      })
      .option('methods', {
        type: 'string',
        default: defaults.calibration.methods.join(','),
        describe: 'Calibration methods; the best on the validation images is used',
      })
      .option('percentile', {
        type: 'number',
        default: defaults.calibration.percentile,
        describe: 'Percentage of values within the range, for the method percentile',
      })
      .option('weight-bits', {
        type: 'string',
        choices: ['auto', '7', '8'] as const,
        default: 'auto' as const,
        describe: 'auto: 7 where the device sums products of bytes in 16 bits (x86 without VNNI)',
      })
      .option('max-accuracy-drop', {
        type: 'number',
        default: defaults.max_accuracy_drop,
        describe:
          'Maximum loss of validation accuracy, as a share: 0.005 is half a point; of mAP, R², AP50 or mIoU for other tasks',
      })
      .option('min-speedup', {
        type: 'number',
        default: defaults.min_speedup,
        describe: 'Minimum speedup over float32',
      })
      .option('device', deviceOption)
      .option('threads', {
        type: 'number',
        default: 1,
        describe: 'Threads of ONNX Runtime for classification',
      })
      .option('seed', { type: 'number', default: 1, describe: 'Seed of the training images' })
      .option('json', jsonOption),
  run: async (args, terminal) => {
    const { model: file, output, data, threads, seed, json: asJson } = args;
    const compress = limitsOf(args);
    const device = runningDevice(args.device);
    const { classifierFile, requireRunnable } = await import('../../compiler/index.js');
    const model = await classifierFile(file);
    checkOutput(output, file, 'int8.onnx');
    const { prepareModel, renderingOfModel } = await import('../../deploy/index.js');
    // Refuses models that cannot be quantized, or run, before data is converted.
    prepareModel(model, file);
    await requireRunnable(model, file);
    const { parseDatasetOrBoxes, prepareFor } = await import('../arguments/dataset.js');
    const rendering = renderingOfModel(model);
    const config = await parseDatasetOrBoxes(data, rendering);
    const counter = createCounter(terminal);
    const dataset = await prepareFor(data, config, rendering, {
      onProgress: counter.show('images converted'),
      onNote: (message) => terminal.err(`${message}\n`),
    });
    const { quantizeFile } = await import('../../runner/models/quantize-file.js');
    const weightBits = args.weightBits === 'auto' ? 'auto' : args.weightBits === '7' ? 7 : 8;
    const request = { file, model, output, config, dataset, compress, weightBits, device, threads, seed } as const;
    const onProgress = (what: string, done: number, total: number): void => counter.show(what)(done, total);
    const { model: int8, report } = await quantizeFile({ ...request, onProgress }).finally(counter.close);
    writeFileAtomic(output, int8);
    if (asJson) {
      terminal.out(json(report));
      return;
    }
    terminal.out(quantizedTable(report, terminal.colors));
    for (const warning of report.warnings) terminal.err(warningLine(warning, terminal.colors));
  },
});
