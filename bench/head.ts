// Fits the new last layer of `nas tune` on features of photographs, beside scikit-learn's logistic regression.
// Method: a classifier's features of the training images, several views of each, are fitted by both on one thread: by
// scikit-learn on standardised features, with our ridge (C = 1 / (ridge x rows)) and with its default of C. Accuracies are of the
// test images, which neither sees. Times are CPU time of the process, the features apart.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { z } from 'zod';
import {
  dataSchema,
  defaultAugment,
  fileInput,
  openDataset,
  prepareDataset,
  readPretrained,
} from '../trainers/index.js';
import { chooseEngine } from '../trainers/engines/index.js';
import { featuresOf } from '../trainers/pretrained/features.js';
import { fitHead, headParts, outputsOf } from '../trainers/pretrained/fit-head.js';
import { cacheDirectory } from '../base/files.js';
import { createScoreboard } from '../base/scoreboard.js';
import { numeric, processTerminal, renderTable } from '../cli/output/terminal.js';
import { writeNpy } from './int8/peer.js';

const options = await yargs(hideBin(process.argv))
  .scriptName('npm run bench:head --')
  .options({
    model: { type: 'string', demandOption: true, describe: 'classifier of any program' },
    images: { type: 'string', demandOption: true, describe: 'folder with one folder for each class' },
    features: { type: 'string', describe: 'value or TF.js layer that the layer reads' },
    size: { type: 'number', describe: 'height and width of the images, where the file was exported for others' },
    subset: { type: 'number', default: 1, describe: 'share of the training images' },
    views: { type: 'number', default: 4, describe: 'of each training image' },
    python: { type: 'string', default: '/usr/bin/python3', describe: 'Python with scikit-learn' },
  })
  .strict()
  .parseAsync();

const peerSchema = z.object({
  version: z.string(),
  rows: z.array(z.object({ name: z.string(), accuracy: z.number(), seconds: z.number() })),
});

/** Seconds of CPU time since the process began. */
const used = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const { model: path, images, features: from, size: side, subset, views, python } = options;
const [height, width, channels] = (await fileInput({ path, size: side })) ?? [224, 224, 3];
const config = dataSchema.parse({
  type: 'image-folder',
  path: images,
  size: [height, width],
  channels,
  subset,
});
const cache = cacheDirectory();
const dataset = openDataset(await prepareDataset(config, { cache }));
const source = await readPretrained({ path, features: from, size: side }, dataset.info, dataset);
const shared = {
  dataset,
  seed: 1,
  engine: await chooseEngine({ type: 'auto' }),
  threads: 1,
  cache,
  hooks: { signal: new AbortController().signal, pause: () => undefined },
};
const plain = { ...shared, augment: [], views: 1 };
const train = await featuresOf(source, { ...shared, split: 'train', augment: defaultAugment(config), views });
const validation = await featuresOf(source, { ...plain, split: 'validation' });
const test = await featuresOf(source, { ...plain, split: 'test' });
const outputs = dataset.info.classes.length;
const own = dataset.trainingParts(headParts);
const parts = Uint8Array.from({ length: views * own.length }, (_, row) => own[row % own.length]);
const start = used();
const head = await fitHead({ ...train, parts }, validation, { outputs, task: 'classification' });
const seconds = used() - start;
const board = createScoreboard(dataset.info.task, outputs);
board.add(outputsOf(head, test.features), test.targets, test.targets.length / outputs);
const ours = { name: 'nas', accuracy: board.scores().accuracy, seconds };

const folder = mkdtempSync(join(tmpdir(), 'nas-bench-head-'));
try {
  const count = parts.length;
  const size = train.features.length / count;
  for (const [name, { features, targets }] of Object.entries({ train, test })) {
    const rows = targets.length / outputs;
    writeNpy(join(folder, `${name}.npy`), features, [rows, size]);
    writeNpy(join(folder, `${name}-targets.npy`), targets, [rows, outputs]);
  }
  const script = fileURLToPath(new URL('./head/sklearn_peer.py', import.meta.url));
  const answer = execFileSync(python, [script, folder, String(head.ridge)], { encoding: 'utf8' });
  const peer = peerSchema.parse(JSON.parse(answer));
  process.stdout.write(
    `${count} x ${size} features, ${outputs} classes, ridge ${head.ridge.toPrecision(2)}; scikit-learn ${peer.version}\n${renderTable(
      [
        { title: '', cell: ({ name }: typeof ours) => name },
        numeric('test accuracy', ({ accuracy }: typeof ours) => `${(100 * accuracy).toFixed(2)} %`),
        numeric('CPU s', (row: typeof ours) => row.seconds.toFixed(1)),
      ],
      [ours, ...peer.rows],
      processTerminal([], process.env).colors,
    )}\n`,
  );
} finally {
  rmSync(folder, { recursive: true });
  dataset.close();
}
