import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { parseExperiment } from '../../experiments/parse/index.js';
import { nasInside } from '../cli/nas.js';
import { cachedFolder } from '../runner/experiment.js';
import { blocksOf } from './recipe-blocks.js';

const folder = cachedFolder();
const fileOf = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const blocks = blocksOf(readFileSync(fileOf('docs/detection.md'), 'utf8')).filter(
  ({ section }) => section === 'From a folder to a frontier',
);

/** Few trials and steps of narrow networks on small images, in one process. */
const shorter = [
  'search.trials=2',
  'search.parallel=1',
  'data.size=[32,48]',
  'space.width=0.5',
  'train.steps=6',
  'final.steps=6',
  'objectives=[ap50,macs]',
].flatMap((one) => ['--set', one]);

it('the commands from a folder to a frontier of detectors in docs/detection.md run', async () => {
  const faces = join(folder, 'faces');
  await promisify(execFile)(process.execPath, [fileOf('experiments/make-garments.mjs'), faces, '40']);
  const commands = blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.trim().split('\n'))
    .map((line) => line.replace(/ +#.*/, ''))
    .filter((line) => line.startsWith('nas '));
  expect(commands.length).toBeGreaterThan(5);
  for (const command of commands) {
    const [verb, ...words] = command.split(' ').slice(1);
    const args = words.map((word) =>
      word === 'experiments/detection.yaml'
        ? fileOf(word)
        : word.replace(/^(?=faces|search|runs)/, `${folder}/`).replace('=garments', `=${faces}`),
    );
    const beside =
      verb === 'init'
        ? ['--no-estimate']
        : verb === 'run'
          ? ['--workdir', join(folder, 'runs', args[0].endsWith('detection.yaml') ? 'detection' : 'faces'), ...shorter]
          : [];
    const { code, err } = await nasInside([verb, ...args, ...beside]);
    expect({ command, code, err }).toMatchObject({ code: 0 });
  }
}, 300_000);

it('the experiment of detectors in docs/detection.md is valid', () => {
  const yaml = blocks.find(({ language }) => language === 'yaml')?.text ?? '';
  expect(parseExperiment('faces.yaml', yaml, { checkFiles: false }).experiment.objectives).toHaveLength(2);
});
