import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { create } from 'tar';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { loadExperiment } from '../../experiments/parse/index.js';
import { resumeExperiment, runExperiment } from '../../runner/index.js';
import { candidateOnnx } from '../../runner/jobs/candidate-model.js';
import { createSpace, spaceSchema } from '../../spaces/index.js';
import { cifar10 } from '../../trainers/data/sources/cifar.js';
import { temporaryFolder } from '../support/temporary.js';
import { makeTinyDataset } from '../support/tiny-dataset.js';
import { cachedFolder, type ExperimentParts, smallSpace, writeExperiment } from './experiment.js';
import { inside } from './inside.js';

cachedFolder();
const side = 16;

/** The bytes of an image that differs for each seed. */
const image = (seed: number): Promise<Buffer> => {
  const random = new Random(seed, 'image of inputs');
  const pixels = Uint8Array.from({ length: side * side * 3 }, () => random.int(256));
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
};

async function writeImage(folder: string, path: string, seed: number): Promise<void> {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await image(seed));
}

const perClass = 6;
const classes = ['cat', 'dog'];
const paths = classes.flatMap((name) => Array.from({ length: perClass }, (_, i) => `${name}/${i}.png`));

/** Writes twelve images of two classes. @returns the folder */
async function writePhotos(folder: string): Promise<string> {
  for (const [i, path] of paths.entries()) await writeImage(folder, path, i);
  return folder;
}

interface Kind {
  /** Writes the input into a folder. @returns the keys of an experiment that reads it */
  readonly write: (folder: string) => Promise<ExperimentParts> | ExperimentParts;
  readonly changes: readonly Change[];
}

/** A change of the input, the parts of the refusal (or null: the run goes on), and where the images are afterwards. */
type Change = readonly [
  name: string,
  make: (folder: string) => Promise<void> | void,
  refused: readonly string[] | null,
  data?: string,
];

const size = `size: ${side}, validation: 0.3, test: 0.3`;
const photos = (folder: string): string => join(folder, 'photos');
const photo = (folder: string, path = 'cat/1.png'): string => join(folder, 'photos', path);

/** Replaces a file by other bytes, and restores its date. */
async function replaceSilently(file: string, bytes: Buffer | Promise<Buffer>): Promise<void> {
  const { atime, mtime } = statSync(file);
  writeFileSync(file, await bytes);
  utimesSync(file, atime, mtime);
}

const later = new Date('2031-02-03T04:05:06Z');
const touch = (file: string): void => utimesSync(file, later, later);

const edit = (file: string, from: string, to: string): void => {
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
};

const changeByte = (file: string, at: number, change: (byte: number) => number): void => {
  const bytes = readFileSync(file);
  bytes[at] = change(bytes[at]);
  writeFileSync(file, bytes);
};

const list = (folder: string): string => join(folder, 'photos', 'list.csv');
const rowOf = (path: string, i: number): string => `${path},${dirname(path)},${i % 3 === 0 ? 'test' : 'train'},g${i}`;

const writeArchive = (folder: string): Promise<void> =>
  create({ file: join(folder, 'photos.tar.gz'), cwd: photos(folder), gzip: true }, classes);

const teacherFile = async (folder: string, seed: number): Promise<void> => {
  const space = await createSpace(spaceSchema.parse(smallSpace), { input: [side, side, 3], classes: 2 });
  const network = space.build(space.decisions.map(() => 0));
  writeFileSync(join(folder, 'teacher.onnx'), candidateOnnx({ network, seed }));
};

/** Files of which each imports the next one. */
const imported = {
  'a.mjs': "export { b as a } from './b.mjs';\n",
  'b.mjs':
    "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\nexport const { b } = require('./c');\n",
  'c.js': 'exports.b = 0.5; void import("./d.json");\n',
  'd.json': '{}\n',
};

const otherContent = ['1 image with other content (cat/1.png)'];
const otherModule = ['evaluate.path: the module ', 'mine.mjs, or a file that it imports, has another content'];

const kinds: Readonly<Record<string, Kind>> = {
  'a folder': {
    write: async (folder) => ({ data: `{ type: image-folder, path: ${await writePhotos(photos(folder))}, ${size} }` }),
    changes: [
      ['added', (folder) => writeImage(photos(folder), 'dog/new.png', 90), ['1 image added (dog/new.png)']],
      ['removed', (folder) => rmSync(photo(folder)), ['1 image removed (cat/1.png)']],
      [
        'renamed',
        (folder) => renameSync(photo(folder), photo(folder, 'cat/x.png')),
        ['1 image renamed (cat/1.png is cat/x.png now)'],
      ],
      [
        'with another label',
        (folder) => renameSync(photo(folder), photo(folder, 'dog/1x.png')),
        ['1 image renamed (cat/1.png is dog/1x.png now)'],
      ],
      ['with other content', (folder) => writeImage(photos(folder), 'cat/1.png', 91), otherContent],
      ['with other content of the same date', (folder) => replaceSilently(photo(folder), image(92)), otherContent],
      ['with other content of the same pixels', (folder) => appendFileSync(photo(folder), 'trailing'), otherContent],
      ['touched only', (folder) => paths.forEach((path) => touch(photo(folder, path))), null],
      ['rewritten with equal content', (folder) => writeImage(photos(folder), 'cat/1.png', 1), null],
      [
        'replaced by a link to equal content',
        (folder) => {
          renameSync(photo(folder), join(folder, 'elsewhere.png'));
          symlinkSync(join(folder, 'elsewhere.png'), photo(folder));
        },
        null,
      ],
      ['beside a new file that is no image', (folder) => writeFileSync(photo(folder, 'cat/notes.txt'), ''), null],
      ['in a folder that was moved', (folder) => renameSync(photos(folder), join(folder, 'moved')), null, 'moved'],
      [
        'in a copy with another image',
        async (folder) => {
          cpSync(photos(folder), join(folder, 'copy'), { recursive: true });
          await writeImage(join(folder, 'copy'), 'cat/1.png', 93);
        },
        otherContent,
        'copy',
      ],
    ],
  },
  'a list': {
    write: async (folder) => {
      await writePhotos(photos(folder));
      writeFileSync(list(folder), ['path,label,split,plant', ...paths.map(rowOf), ''].join('\n'));
      return { data: `{ type: list, path: ${list(folder)}, group: plant, ${size} }` };
    },
    changes: [
      [
        'with a row more',
        async (folder) => {
          await writeImage(photos(folder), 'cat/new.png', 90);
          appendFileSync(list(folder), 'cat/new.png,cat,train,new\n');
        },
        ['1 image added (cat/new.png)'],
      ],
      [
        'with a row less',
        (folder) => edit(list(folder), 'cat/1.png,cat,train,g1\n', ''),
        ['1 image removed (cat/1.png)'],
      ],
      [
        'with another label',
        (folder) => edit(list(folder), 'cat/1.png,cat', 'cat/1.png,dog'),
        ['1 image with another label (cat/1.png: cat before, dog now)'],
      ],
      [
        'with another split',
        (folder) => edit(list(folder), 'cat/1.png,cat,train', 'cat/1.png,cat,test'),
        ['in another split (cat/1.png: ', ' before, test now'],
      ],
      [
        'with another group',
        (folder) => edit(list(folder), 'dog/2.png,dog,train,g8', 'dog/2.png,dog,train,g7'),
        ['groups'],
      ],
      ['with other content of an image', (folder) => writeImage(photos(folder), 'cat/1.png', 91), otherContent],
      [
        'in another order',
        (folder) =>
          writeFileSync(list(folder), ['path,label,split,plant', ...paths.map(rowOf).reverse(), ''].join('\n')),
        null,
      ],
      ['touched only', (folder) => touch(list(folder)), null],
      ['moved with its images', (folder) => renameSync(photos(folder), join(folder, 'moved')), null, 'moved/list.csv'],
    ],
  },
  'an archive': {
    write: async (folder) => {
      await writePhotos(photos(folder));
      await writeArchive(folder);
      return { data: `{ type: image-folder, path: ${join(folder, 'photos.tar.gz')}, ${size} }` };
    },
    changes: [
      [
        'with other content',
        async (folder) => {
          await writeImage(photos(folder), 'cat/1.png', 91);
          await writeArchive(folder);
        },
        otherContent,
      ],
      ['touched only', (folder) => touch(join(folder, 'photos.tar.gz')), null],
      ['packed again', writeArchive, null],
      [
        'moved',
        (folder) => renameSync(join(folder, 'photos.tar.gz'), join(folder, 'moved.tar.gz')),
        null,
        'moved.tar.gz',
      ],
    ],
  },
  'images without labels': {
    write: async (folder) => {
      await writePhotos(photos(folder));
      for (const i of [0, 1, 2]) await writeImage(join(folder, 'more'), `${i}.png`, 50 + i);
      const data = `{ type: image-folder, path: ${photos(folder)}, unlabelled: ${join(folder, 'more')}, ${size} }`;
      return {
        data,
        teacher: '{ type: train, network: mobilenet, width: 0.25, epochs: 1 }',
        train: '{ epochs: 1, batch: 4, loss: { type: kd } }',
      };
    },
    changes: [
      ['added', (folder) => writeImage(join(folder, 'more'), '9.png', 59), ['1 image added (9.png)']],
      [
        'with other content',
        (folder) => writeImage(join(folder, 'more'), '1.png', 58),
        ['1 image with other content (1.png)'],
      ],
      ['touched only', (folder) => touch(join(folder, 'more', '1.png')), null],
    ],
  },
  'IDX files': {
    write: (folder) => {
      makeTinyDataset(photos(folder), { train: 4, test: 2 });
      return { data: `{ type: fashion-mnist, path: ${photos(folder)}, validation: 0.25 }` };
    },
    changes: [
      [
        'with another pixel',
        (folder) => changeByte(photo(folder, 'train-images-idx3-ubyte'), 999, (byte) => 255 - byte),
        ['1 image with other content (#1)'],
      ],
      ['with more images', (folder) => void makeTinyDataset(photos(folder), { train: 5, test: 2 }), ['added']],
      ['touched only', (folder) => readdirSync(photos(folder)).forEach((name) => touch(photo(folder, name))), null],
      ['moved', (folder) => renameSync(photos(folder), join(folder, 'moved')), null, 'moved'],
    ],
  },
  'CIFAR files': {
    write: (folder) => {
      mkdirSync(photos(folder));
      for (const [k, { name }] of cifar10.files.entries()) {
        const random = new Random(k, 'cifar');
        const records = Array.from({ length: 20 }, (_, i) =>
          Uint8Array.from({ length: 3073 }, (_byte, at) => (at === 0 ? i % 10 : random.int(256))),
        );
        writeFileSync(photo(folder, name), Buffer.concat(records));
      }
      return { data: `{ type: cifar10, path: ${photos(folder)} }` };
    },
    changes: [
      [
        'with another label',
        (folder) => changeByte(photo(folder, 'data_batch_2.bin'), 0, () => 3),
        ['with another label (#20: airplane before, cat now'],
      ],
      ['touched only', (folder) => touch(photo(folder, 'test_batch.bin')), null],
    ],
  },
  'a teacher': {
    write: async (folder) => {
      await writePhotos(photos(folder));
      await teacherFile(folder, 1);
      const data = `{ type: image-folder, path: ${photos(folder)}, ${size} }`;
      const teacher = `{ type: file, path: ${join(folder, 'teacher.onnx')}, layout: NHWC, mean: [0, 0, 0], std: [1, 1, 1] }`;
      return { data, teacher, train: '{ epochs: 1, batch: 4, loss: { type: kd } }' };
    },
    changes: [
      [
        'with other content',
        (folder) => teacherFile(folder, 2),
        ['teacher.path: the teacher ', 'teacher.onnx has another content'],
      ],
      ['touched only', (folder) => touch(join(folder, 'teacher.onnx')), null],
    ],
  },
  'a module': {
    write: async (folder) => {
      await writePhotos(photos(folder));
      const module = join(folder, 'mine.mjs');
      for (const [name, text] of Object.entries(imported)) writeFileSync(join(folder, name), text);
      writeFileSync(module, "import { a } from './a.mjs';\nexport default () => ({ accuracy: a });\n");
      const data = `{ type: image-folder, path: ${photos(folder)}, ${size} }`;
      return { data, teacher: null, train: null, evaluate: `{ type: module, path: ${module} }` };
    },
    changes: [
      ['with other content', (folder) => appendFileSync(join(folder, 'mine.mjs'), '// other\n'), otherModule],
      [
        'with other content of a file at the end of its imports',
        (folder) => appendFileSync(join(folder, 'd.json'), ' '),
        otherModule,
      ],
      ['beside another module', (folder) => writeFileSync(join(folder, 'other.mjs'), ''), null],
      ['gone', (folder) => rmSync(join(folder, 'mine.mjs')), ['mine.mjs is gone']],
      ['touched only', (folder) => touch(join(folder, 'mine.mjs')), null],
    ],
  },
};

/** Writes an experiment, and begins its run: it ends before its first trial. */
async function begun(folder: string, keys: ExperimentParts): Promise<string> {
  const file = writeExperiment(folder, {
    name: 'inputs',
    teacher: '{ type: none }',
    train: '{ epochs: 1, batch: 4 }',
    final: 'none',
    objectives: '[accuracy, macs]',
    search: '{ controller: random, trials: 2, parallel: 1 }',
    ...keys,
  });
  const workdir = join(folder, 'run');
  expect(
    await untilBegun((observe) => runExperiment(loadExperiment(file), { workdir, ...observe }, observe.observe)),
  ).toBe('interrupted');
  return workdir;
}

type Begins = {
  readonly signal: AbortSignal;
  readonly workers: typeof inside;
  readonly observe: Parameters<typeof runExperiment>[2];
};

/** Starts a run and stops it before its first trial. */
async function untilBegun(start: (options: Begins) => Promise<{ readonly state: string }>): Promise<string> {
  const stop = new AbortController();
  const observe: Begins['observe'] = ({ kind }) => {
    if (kind === 'begun') stop.abort();
  };
  return (await start({ signal: stop.signal, workers: inside, observe })).state;
}

const resumed = (workdir: string, options: Parameters<typeof resumeExperiment>[1] = {}): Promise<string> =>
  untilBegun(({ observe, ...others }) => resumeExperiment(workdir, { ...others, ...options }, observe));

describe.each(Object.entries(kinds))('%s', (_kind, { write, changes }) => {
  const harmless = changes.filter(([, , refused]) => refused === null);
  const others = changes.filter(([, , refused]) => refused !== null);

  it(`${harmless.map(([name]) => name).join('; ')}: the run goes on`, async () => {
    const folder = temporaryFolder();
    const workdir = await begun(folder, await write(folder));
    const before = readFileSync(join(workdir, 'images.csv'), 'utf8');
    for (const [name, make, , data] of harmless) {
      await make(folder);
      const options = data === undefined ? {} : { data: join(folder, data) };
      expect([name, await resumed(workdir, options)]).toEqual([name, 'interrupted']);
    }
    expect(existsSync(join(workdir, 'generations'))).toBe(false);
    expect(readFileSync(join(workdir, 'images.csv'), 'utf8')).toBe(before);
  });

  it.each(others.map((change) => [change[0], change] as const))('%s', async (_name, [, make, refused, data]) => {
    const folder = temporaryFolder();
    const workdir = await begun(folder, await write(folder));
    const before = readFileSync(join(workdir, 'images.csv'), 'utf8');
    await make(folder);
    const options = data === undefined ? {} : { data: join(folder, data) };
    const refusal: unknown = await resumed(workdir, options).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'inputs-changed', exitCode: 5 });
    for (const part of refused ?? []) expect(String(refusal)).toContain(part);
    const accepting = resumed(workdir, { ...options, acceptData: true });
    if (refused?.join().includes('gone')) {
      await expect(accepting).rejects.toMatchObject({ code: 'inputs-changed', hint: 'Bring the file back.' });
      return;
    }
    expect(await accepting).toBe('interrupted');
    expect(readFileSync(join(workdir, 'generations', '1', 'images.csv'), 'utf8')).toBe(before);
    // The new content is that of the run now.
    expect(await resumed(workdir)).toBe('interrupted');
  });
});
