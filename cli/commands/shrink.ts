import { invalidInput } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { completeDecoding } from '../../base/preprocess.js';
import { hasRun } from '../../runner/stored/workdir.js';
import type { ShrinkTarget } from '../../runner/shrink/cut.js';
import { parseDevice } from '../arguments/device.js';
import { checkOutput } from '../arguments/output.js';
import { parseCount, wholeNumber } from '../arguments/values.js';
import { command, dataOrBoxesOption, jsonOption } from '../command.js';
import { shrunkTable } from '../output/shrunk.js';
import { json, warningLine } from '../output/terminal.js';
import { watch } from '../watch-run.js';

function targetOf(latency: number | undefined, macs: string | undefined): ShrinkTarget {
  if (macs !== undefined) return { objective: 'macs', value: parseCount('--macs', macs) };
  if (latency === undefined)
    throw invalidInput('a target is missing: give --latency MS or --macs N', { hint: 'nas shrink --help' });
  if (!(latency > 0)) throw invalidInput(`--latency ${latency}: expected milliseconds above 0`);
  return { objective: 'latency_ms', value: latency };
}

export const shrink = command({
  usage: 'shrink <model>',
  summary: 'Prune channels of a trained network until it is fast enough, and fine-tune it',
  examples: [
    [
      'shrink runs/quickstart --trial 7 --latency 0.05 -o small.onnx',
      'to 0.05 ms on the device of the run, as measured',
    ],
    ['shrink model.onnx --data experiment.yaml --macs 2M -o small.onnx', 'a file, to two million multiply-accumulates'],
    [
      'shrink runs/quickstart --trial 7 --latency 2 --device agent:url=http://pi:7700 -o small.onnx',
      'for another machine',
    ],
  ],
  options: (yargs) =>
    yargs
      .positional('model', {
        type: 'string',
        demandOption: true,
        describe: 'ONNX file or model.json that nas exported, or the folder of a run',
      })
      .option('trial', { type: 'number', describe: 'Number of a trained trial, with the folder of a run' })
      .option('data', {
        ...dataOrBoxesOption,
        demandOption: false,
        describe: `${dataOrBoxesOption.describe}; by default that of the run`,
      })
      .option('output', { alias: 'o', type: 'string', demandOption: true, describe: 'ONNX file to write' })
      .option('latency', { type: 'number', describe: 'Milliseconds for one batch, as measured' })
      .option('macs', { type: 'string', describe: 'Multiply-accumulates for one image: 2M, 500k' })
      .conflicts('latency', 'macs')
      .option('multiple', {
        type: 'number',
        default: 4,
        describe: 'Widths are multiples of it: 4 suits float32, 16 int8; others are slow',
      })
      .option('epochs', {
        type: 'number',
        describe: "Epochs of fine-tuning; by default half of those of the data's experiment",
      })
      .option('device', { type: 'string', describe: 'Device of the latency; by default that of the run, else local' })
      .option('threads', { type: 'number', default: 1, describe: 'Threads of training' })
      .option('json', jsonOption),
  run: async (args, terminal) => {
    const { model: path, trial, output, json: asJson } = args;
    const target = targetOf(args.latency, args.macs);
    const multiple = wholeNumber('--multiple', args.multiple);
    const threads = wholeNumber('--threads', args.threads);
    const epochs = args.epochs === undefined ? undefined : wholeNumber('--epochs', args.epochs);
    const images = args.data ?? (hasRun(path) ? path : undefined);
    if (images === undefined)
      throw invalidInput('--data is missing: a file does not have the images to fine-tune it with', {
        hint: 'Give the data that it was trained on: --data experiment.yaml, or the folder of its run.',
      });
    checkOutput(output, path, 'small.onnx');
    const { experimentFor, parseDatasetOrBoxes, prepareFor, reported } = await import('../arguments/dataset.js');
    const experiment = experimentFor(images);
    const given = args.device === undefined ? undefined : parseDevice(args.device);
    const { readShrinkSubject, shrinkDevice } = await import('../../runner/shrink/subject.js');
    const device = shrinkDevice(given, target, experiment);
    const { shrinkFile } = await import('../../runner/shrink/shrink-file.js');
    const trainers = await import('../../trainers/index.js');
    const { model, report } = await watch(async (observe, signal) => {
      const subject = await readShrinkSubject(path, trial);
      const [height, width, channels] = subject.model.network.input;
      const image = { ...completeDecoding(subject.metadata.preprocess), size: [height, width] as const, channels };
      const data = await parseDatasetOrBoxes(images, image);
      const dataset = await prepareFor(images, data, image, reported(observe, signal));
      const train =
        experiment?.train ?? trainers.completeTraining(trainers.trainKeys.parse({}), trainers.dataDefaults(data));
      const engine = await trainers.chooseEngine(experiment?.engine ?? { type: 'auto' });
      const how = { target, multiple, epochs, device, engine, threads };
      return shrinkFile({ subject, data, dataset, train, ...how }, observe, signal);
    }, terminal);
    writeFileAtomic(output, model);
    if (asJson) {
      terminal.out(json({ output, ...report }));
      return;
    }
    terminal.out(shrunkTable(report, output, terminal.colors));
    for (const warning of report.warnings) terminal.err(warningLine(warning, terminal.colors));
  },
});
