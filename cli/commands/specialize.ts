import { drawReport } from '../../api/report.js';
import { jobQueue } from '../../workers/index.js';
import { invalidInput } from '../../base/errors.js';
import { parseRunDevice, runDeviceOption } from '../arguments/device.js';
import { wholeNumber } from '../arguments/values.js';
import { command, jsonOption, flag } from '../command.js';
import { watchRun } from '../watch-run.js';

/** Evaluated in a few minutes. */
const defaultTrials = 100;

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
      .option('fresh', flag('Delete an earlier run in the workdir'))
      .option('json', { ...jsonOption, describe: "Print the report's data as JSON at the end" }),
  run: async ({ run, latency, device, trials, epochs, workdir, fresh, json }, terminal) => {
    if (!(latency > 0 && Number.isFinite(latency)))
      throw invalidInput(`--latency ${latency}: expected milliseconds above 0`);
    const { runSpecialized, specialize: derive } = await import('../../runner/index.js');
    const specialized = derive(run, {
      latencyMs: latency,
      trials: wholeNumber('--trials', trials),
      epochs: epochs === undefined ? undefined : wholeNumber('--epochs', epochs),
      device: device === undefined ? undefined : parseRunDevice(device),
      workdir,
    });
    await watchRun(
      (observe, signal) => runSpecialized(specialized, { fresh, signal, report: drawReport, queue: jobQueue }, observe),
      terminal,
      json,
    );
  },
});
