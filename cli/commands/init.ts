import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalidInput, messageOf } from '../../base/errors.js';
import { makeDirectory } from '../../base/files.js';
import { command } from '../command.js';
import type { Terminal } from '../output/terminal.js';

const experimentFile = 'experiment.yaml';

/** Text of experiments/quickstart.yaml, in the sources or two levels above dist/. */
function template(): string {
  const places = ['../../experiments/quickstart.yaml', '../../../experiments/quickstart.yaml'];
  const file = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path));
  if (file === undefined) throw new Error('experiments/quickstart.yaml is missing from the package');
  return (
    readFileSync(file, 'utf8')
      // The schema file exists beside the original only.
      .replace(/^# yaml-language-server:.*\n#\n/, '')
      .replace('experiments/quickstart.yaml', 'experiment.yaml')
      .replace(/^name: .*$/m, 'name: my-search')
  );
}

interface Draft {
  readonly text: string;
  /** Lines about the time that the run takes. */
  readonly hours: readonly string[];
}

async function draftFor(file: string, images: string, estimated: boolean, terminal: Terminal): Promise<Draft> {
  const { proposeExperiment } = await import('../../experiments/propose/index.js');
  const { watch } = await import('../watch-run.js');
  const request = { images, file, estimated };
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
  ],
  options: (yargs) =>
    yargs
      .positional('dir', { type: 'string', default: '.', describe: 'Folder to write to; created when missing' })
      .option('images', {
        type: 'string',
        describe:
          'Folder, archive (.zip, .tar, .tar.gz) or table (.csv, ...) of images to write the experiment for: size, batch and the rest fit them',
      })
      .option('estimate', {
        type: 'boolean',
        default: true,
        describe: 'With --images: train some networks for seconds, to estimate the hours of the run',
      }),
  run: async ({ dir, images, estimate }, terminal) => {
    const file = join(dir, experimentFile);
    requireNew(file);
    const { text, hours } =
      images === undefined ? { text: template(), hours: [] } : await draftFor(file, images, estimate, terminal);
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
