import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalidInput, messageOf } from '../../base/errors.js';
import { makeDirectory } from '../../base/files.js';
import { packageRoot } from '../../base/processes.js';
import type { ProposalRequest } from '../../runner/propose.js';
import { boardNames } from '../../experiments/schema/constraints.js';
import { command } from '../command.js';
import type { Terminal } from '../output/terminal.js';

const experimentFile = 'experiment.yaml';

function template() {
  const text = readFileSync(join(packageRoot(fileURLToPath(import.meta.url)), 'experiments/quickstart.yaml'), 'utf8')
    // The schema file exists beside the original only.
    .replace(/^# yaml-language-server:.*\n#\n/, '')
    .replace('experiments/quickstart.yaml', 'experiment.yaml')
    .replace(/^name: .*$/m, 'name: my-search');
  return { text, hours: [] };
}

async function draftFor(request: ProposalRequest, terminal: Terminal) {
  const { proposeExperiment } = await import('../../runner/propose.js');
  const { watch } = await import('../watch-run.js');
  return watch((observe, signal) => proposeExperiment(request, { observe, signal }), terminal);
}

export const init = command({
  usage: 'init [dir]',
  summary: 'Write a commented experiment.yaml to start from',
  examples: [
    ['init', 'experiment.yaml in the current folder'],
    ['init my-search', 'my-search/experiment.yaml; creates the folder'],
    [
      'init --images photos',
      'for the images in photos, a folder or archive with one folder for each class, or a table',
    ],
    ['init --images photos --minutes 30', 'for a run that ends within 30 minutes on this machine'],
    ['init --images photos --board rp2040', 'for networks that fit into a Raspberry Pi Pico'],
  ],
  options: (yargs) =>
    yargs
      .positional('dir', { type: 'string', default: '.', describe: 'Folder to write to; created when missing' })
      .option('images', {
        type: 'string',
        describe:
          'Folder, archive (.zip, .tar, .tar.gz) or table (.csv, ...) of images to write the experiment for: size, batch and the rest fit them',
      })
      .option('board', {
        choices: boardNames,
        describe: 'With --images: microcontroller that the networks are for; its memory limits them, in int8',
      })
      .option('minutes', {
        type: 'number',
        describe: 'With --images: time in which the run is to end; size, trials and trainings follow from it',
      })
      .option('estimate', {
        type: 'boolean',
        default: true,
        describe: 'With --images: train some networks for seconds, to estimate the hours of the run',
      }),
  run: async ({ dir, images, board, minutes, estimate: estimated }, terminal) => {
    const file = join(dir, experimentFile);
    requireNew(file);
    if (board !== undefined && images === undefined)
      throw invalidInput(`--board ${board} needs --images`, { hint: 'Give the images that the networks are for.' });
    if (minutes !== undefined && !(minutes > 0)) throw invalidInput(`--minutes ${minutes}: expected a number above 0`);
    if (minutes !== undefined && images === undefined)
      throw invalidInput(`--minutes ${minutes} needs --images`, {
        hint: 'Without images of your own, give the time to the run: nas run experiment.yaml --minutes 30.',
      });
    const { text, hours } =
      images === undefined ? template() : await draftFor({ images, file, board, minutes, estimated }, terminal);
    try {
      makeDirectory(dir);
      writeFileSync(file, text, { flag: 'wx' });
    } catch (cause) {
      requireNew(file);
      throw invalidInput(`${file} cannot be written: ${messageOf(cause)}`, { cause });
    }
    terminal.out([`wrote ${file}`, ...hours, `next: nas validate ${file}, then nas run ${file}`, ''].join('\n'));
  },
});

function requireNew(file: string): void {
  if (existsSync(file))
    throw invalidInput(`${file} already exists`, { hint: 'Choose another folder: nas init <dir>.' });
}
