import { drawReport } from '../../api/report.js';
import { invalidInput, NasError } from '../../base/errors.js';
import { collectShrunk } from '../../reports/index.js';
import { parseDevice } from '../arguments/device.js';
import { parseCount, wholeNumber } from '../arguments/values.js';
import { command, jsonOption } from '../command.js';
import { withRun } from '../open-run.js';
import { shrunkTable } from '../output/shrunk.js';
import { json } from '../output/terminal.js';
import { watch } from '../watch-run.js';

function targetOf(latency: number | undefined, macs: string | undefined) {
  if (macs !== undefined) return { objective: 'macs', value: parseCount('--macs', macs) } as const;
  if (latency === undefined)
    throw invalidInput('a target is missing: give --latency MS or --macs N', { hint: 'nas shrink --help' });
  if (!(latency > 0)) throw invalidInput(`--latency ${latency}: expected milliseconds above 0`);
  return { objective: 'latency_ms', value: latency } as const;
}

export const shrink = command({
  usage: 'shrink <workdir> <trial>',
  summary: 'Prune channels of a trained network until it is fast enough, and fine-tune it',
  examples: [
    ['shrink runs/quickstart 7 --latency 0.05', 'to 0.05 ms on the device of the run, as measured'],
    ['shrink runs/quickstart 7 --macs 2M --importance gamma', 'to two million multiply-accumulates'],
    ['shrink runs/quickstart 7 --latency 2 --device agent:url=http://pi:7700', 'for another machine'],
  ],
  options: (yargs) =>
    yargs
      .positional('workdir', { type: 'string', demandOption: true, describe: "A run's folder" })
      .positional('trial', { type: 'number', demandOption: true, describe: 'Number of a trained trial' })
      .option('latency', { type: 'number', describe: 'Milliseconds for one batch, as measured' })
      .option('macs', { type: 'string', describe: 'Multiply-accumulates for one image: 2M, 500k' })
      .conflicts('latency', 'macs')
      .option('importance', {
        choices: ['taylor', 'gamma', 'l1'] as const,
        default: 'taylor' as const,
        describe:
          "What tells which channels matter: the loss's gradient, batch norm's scales, or the magnitude of weights",
      })
      .option('multiple', {
        type: 'number',
        default: 4,
        describe: 'Widths are multiples of it: 4 suits float32, 16 int8; others are slow',
      })
      .option('epochs', { type: 'number', describe: 'Epochs of fine-tuning; by default half of those of a trial' })
      .option('device', { type: 'string', describe: 'Device of the latency; by default that of the run' })
      .option('json', jsonOption),
  run: async ({ workdir, trial, latency, macs, importance, multiple, epochs, device, json: asJson }, terminal) => {
    if (!Number.isInteger(trial)) throw invalidInput(`there is no trial ${trial}: expected a number`);
    const request = {
      trial,
      target: targetOf(latency, macs),
      importance,
      multiple: wholeNumber('--multiple', multiple),
      epochs: epochs === undefined ? undefined : wholeNumber('--epochs', epochs),
      device: device === undefined ? undefined : parseDevice(device),
    };
    const { shrinkTrial } = await import('../../runner/index.js');
    const outcome = await watch(
      (observe, signal) => shrinkTrial(workdir, request, { signal, report: drawReport }, observe),
      terminal,
    );
    if (outcome.state === 'interrupted')
      throw new NasError('interrupted', 'shrinking was interrupted', {
        hint: 'Nothing is lost: the same command continues.',
      });
    await withRun(workdir, async (store) => {
      const shrunk = (await collectShrunk(store)).find(({ number }) => number === outcome.number);
      if (shrunk === undefined) throw new Error(`shrunk network ${outcome.number} was not stored`);
      terminal.out(asJson ? json(shrunk) : shrunkTable(shrunk, terminal.colors));
    });
  },
});
