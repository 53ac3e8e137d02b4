import { invalidInput } from '../../base/errors.js';
import { parseRunDevice, runDeviceOption } from '../arguments/device.js';
import { command, jsonOption } from '../command.js';
import { drawReport, watchRun } from '../watch-run.js';

/** Evaluated in a few minutes. */
const defaultTrials = 100;

function positive(option: string, value: number, isAllowed: (value: number) => boolean, expected: string): number {
  if (isAllowed(value)) return value;
  throw invalidInput(`--${option}: got ${value}; expected ${expected}`);
}

export const specialize = command({
  usage: 'specialize <run>',
  summary: 'Search the supernet of a run for another latency or device, without training it again',
  examples: [
    ['specialize runs/cifar --latency 0.5', 'a frontier within 0.5 ms, in runs/cifar-0.5ms'],
    ['specialize runs/cifar --latency 8 --device browser --epochs 5', 'in a browser, with a final training'],
  ],
  options: (yargs) =>
    yargs
      .positional('run', { type: 'string', demandOption: true, describe: 'Folder of a run with a supernet' })
      .option('latency', { type: 'number', demandOption: true, describe: 'Hard limit in ms for one batch' })
      .option('device', runDeviceOption('the device of the run'))
      .option('trials', { type: 'number', default: defaultTrials, describe: 'Networks to evaluate' })
      .option('epochs', {
        type: 'number',
        describe: "Epochs of the frontier's final training from the supernet; default: none",
      })
      .option('workdir', { type: 'string', describe: 'Folder of the results; default beside the run' })
      .option('fresh', { type: 'boolean', default: false, describe: 'Delete an earlier run in the workdir' })
      .option('json', { ...jsonOption, describe: "Print the report's data as JSON at the end" }),
  run: async ({ run, latency, device, trials, epochs, workdir, fresh, json }, terminal) => {
    const isCount = (value: number): boolean => Number.isInteger(value) && value > 0;
    const { runSpecialized, specialize: derive } = await import('../../experiments/index.js');
    const specialized = derive(run, {
      latencyMs: positive('latency', latency, (ms) => ms > 0 && Number.isFinite(ms), 'milliseconds above 0'),
      trials: positive('trials', trials, isCount, 'a whole number above 0'),
      epochs: epochs === undefined ? undefined : positive('epochs', epochs, isCount, 'a whole number above 0'),
      device: device === undefined ? undefined : parseRunDevice(device),
      workdir,
    });
    await watchRun(
      (observe, signal) => runSpecialized(specialized, { fresh, signal, report: drawReport }, observe),
      terminal,
      json,
    );
  },
});
