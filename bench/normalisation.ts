// Which normalisation of its images `nas tune` finds for files of torchvision's classifiers that were trained with a known one, and
// by which margin; and which features it chooses, beside the accuracies of all candidates.
// Method: PyTorch trains each network for a minute on every second photograph of a folder, normalised in one of five ways, and
// exports it with batch norms as nodes and folded into convolutions. The search has the other photographs alone. A margin is the
// misfit of the next normalisation over that of the best one; below 1.5 (norms) or 1.1 (head) nas asks for the option.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { z } from 'zod';
import { dataSchema, describeDataset, prepareDataset, withDataset } from '../trainers/index.js';
import { readPretrained } from '../trainers/pretrained/read.js';

const options = await yargs(hideBin(process.argv))
  .scriptName('npm run bench:normalisation --')
  .usage('$0 --images FOLDER [options]')
  .options({
    images: { type: 'string', demandOption: true, describe: 'a folder of photographs for each class' },
    folder: { type: 'string', default: join(tmpdir(), 'nas-bench-normalisation'), describe: 'exported files, kept' },
    python: { type: 'string', default: '/usr/bin/python3', describe: 'Python with torch, torchvision, onnx and PIL' },
    seconds: { type: 'number', default: 60, describe: 'processor time of each training' },
    turn: { type: 'number', default: 0, describe: 'shifts which network has which normalisation' },
  })
  .strict()
  .parseAsync();

const folder = resolve(options.folder);
const index = join(folder, 'index.json');
if (!existsSync(index)) {
  const script = fileURLToPath(new URL('./foreign/normalised.py', import.meta.url));
  const { images, seconds, turn } = options;
  const args = ['--images', resolve(images), '--out', folder, '--seconds', String(seconds), '--turn', String(turn)];
  execFileSync(options.python, ['-W', 'ignore', script, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
}
const entry = z.object({ normalisation: z.string(), steps: z.number(), accuracy: z.number() });
const networks = z.record(z.string(), entry).parse(JSON.parse(readFileSync(index, 'utf8')));
const size = 64;
const data = dataSchema.parse({ type: 'image-folder', path: join(folder, 'others'), size });
const dataset = await prepareDataset(data, { cache: join(folder, 'cache') });
const info = describeDataset(dataset);

const table = new Table({
  head: [
    'network',
    'accuracy',
    'trained with',
    ...['norms', 'folded'].flatMap((kind) => [`found (${kind})`, 'seconds']),
  ],
});
const right = { norms: 0, folded: 0 };
for (const [name, { normalisation, accuracy }] of Object.entries(networks)) {
  const cells: string[] = [];
  for (const [kind, file] of [
    ['norms', `${name}.train.onnx`],
    ['folded', `${name}.onnx`],
  ] as const) {
    const before = process.cpuUsage();
    const { scale, why } = await withDataset(dataset, (open) =>
      readPretrained({ path: join(folder, file) }, info, open),
    );
    const { user, system } = process.cpuUsage(before);
    const isRight =
      scale.found?.includes(` ${normalisation} (`) === true &&
      scale.found.indexOf(normalisation) < scale.found.indexOf(', next');
    if (isRight) right[kind]++;
    cells.push(`${isRight ? 'right' : 'WRONG'}: ${scale.found ?? scale.from}`, ((user + system) / 1e6).toFixed(1));
    process.stderr.write(`${name} ${kind}: ${cells.at(-2) ?? ''}; ${why}\n`);
  }
  table.push([name, (100 * accuracy).toFixed(1), normalisation, ...cells]);
}
console.log(table.toString());
const count = Object.keys(networks).length;
console.log(`Right by norms: ${right.norms} of ${count}; folded: ${right.folded} of ${count}`);
