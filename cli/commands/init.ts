import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalidInput, messageOf } from '../../base/errors.js';
import { makeDirectory } from '../../base/files.js';
import { command } from '../command.js';

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

export const init = command({
  usage: 'init [dir]',
  summary: 'Write a commented experiment.yaml to start from',
  examples: [
    ['init', 'experiment.yaml in the current folder'],
    ['init my-search', 'my-search/experiment.yaml; creates the folder'],
  ],
  options: (yargs) =>
    yargs.positional('dir', { type: 'string', default: '.', describe: 'Folder to write to; created when missing' }),
  run: ({ dir }, { out }) => {
    const file = join(dir, 'experiment.yaml');
    const text = template();
    try {
      makeDirectory(dir);
      writeFileSync(file, text, { flag: 'wx' });
    } catch (cause) {
      const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST' && existsSync(file);
      if (exists)
        throw invalidInput(`${file} already exists`, {
          hint: 'Choose another folder: nas init <dir>.',
        });
      throw invalidInput(`${file} cannot be written: ${messageOf(cause)}`, { cause });
    }
    out(`wrote ${file}\nnext: nas validate ${file}, then nas run ${file}\n`);
  },
});
