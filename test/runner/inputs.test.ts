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
import { cachedFolder, smallSpace } from './experiment.js';
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
  readonly write: (folder: string) => Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>;
  /** What happens to the input; the parts of the refusal, or null: the run goes on. */
  readonly changes: readonly Change[];
}

interface Change {
  readonly name: string;
  readonly make: (folder: string) => Promise<void> | void;
  readonly refused: readonly string[] | null;
  /** Where the images are after that. */
  readonly data?: string;
}

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

/** Inverts a byte of a file. */
const invert = (file: string, at: number): void => {
  const bytes = readFileSync(file);
  bytes[at] = 255 - bytes[at];
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

const kinds: Readonly<Record<string, Kind>> = {
  'a folder': {
    write: async (folder) => ({ data: `{ type: image-folder, path: ${await writePhotos(photos(folder))}, ${size} }` }),
    changes: [
      {
        name: 'added',
        make: (folder) => writeImage(photos(folder), 'dog/new.png', 90),
        refused: ['1 image added (dog/new.png)'],
      },
      { name: 'removed', make: (folder) => rmSync(photo(folder)), refused: ['1 image removed (cat/1.png)'] },
      {
        name: 'renamed',
        make: (folder) => renameSync(photo(folder), photo(folder, 'cat/x.png')),
        refused: ['1 image renamed (cat/1.png is cat/x.png now)'],
      },
      {
        name: 'with another label',
        make: (folder) => renameSync(photo(folder), photo(folder, 'dog/1x.png')),
        refused: ['1 image renamed (cat/1.png is dog/1x.png now)'],
      },
      {
        name: 'with other content',
        make: (folder) => writeImage(photos(folder), 'cat/1.png', 91),
        refused: ['1 image with other content (cat/1.png)'],
      },
      {
        name: 'with other content of the same date',
        make: (folder) => replaceSilently(photo(folder), image(92)),
        refused: ['1 image with other content (cat/1.png)'],
      },
      {
        name: 'with other content of the same pixels',
        make: (folder) => appendFileSync(photo(folder), 'trailing'),
        refused: ['1 image with other content (cat/1.png)'],
      },
      { name: 'touched only', make: (folder) => paths.forEach((path) => touch(photo(folder, path))), refused: null },
      {
        name: 'rewritten with equal content',
        make: (folder) => writeImage(photos(folder), 'cat/1.png', 1),
        refused: null,
      },
      {
        name: 'replaced by a link to equal content',
        make: (folder) => {
          renameSync(photo(folder), join(folder, 'elsewhere.png'));
          symlinkSync(join(folder, 'elsewhere.png'), photo(folder));
        },
        refused: null,
      },
      {
        name: 'beside a new file that is no image',
        make: (folder) => writeFileSync(photo(folder, 'cat/notes.txt'), ''),
        refused: null,
      },
      {
        name: 'in a folder that was moved',
        make: (folder) => renameSync(photos(folder), join(folder, 'moved')),
        refused: null,
        data: 'moved',
      },
      {
        name: 'in a copy with another image',
        make: async (folder) => {
          cpSync(photos(folder), join(folder, 'copy'), { recursive: true });
          await writeImage(join(folder, 'copy'), 'cat/1.png', 93);
        },
        refused: ['1 image with other content (cat/1.png)'],
        data: 'copy',
      },
    ],
  },
  'a list': {
    write: async (folder) => {
      await writePhotos(photos(folder));
      writeFileSync(list(folder), ['path,label,split,plant', ...paths.map(rowOf), ''].join('\n'));
      return { data: `{ type: list, path: ${list(folder)}, group: plant, ${size} }` };
    },
    changes: [
      {
        name: 'with a row more',
        make: async (folder) => {
          await writeImage(photos(folder), 'cat/new.png', 90);
          appendFileSync(list(folder), 'cat/new.png,cat,train,new\n');
        },
        refused: ['1 image added (cat/new.png)'],
      },
      {
        name: 'with a row less',
        make: (folder) => edit(list(folder), 'cat/1.png,cat,train,g1\n', ''),
        refused: ['1 image removed (cat/1.png)'],
      },
      {
        name: 'with another label',
        make: (folder) => edit(list(folder), 'cat/1.png,cat', 'cat/1.png,dog'),
        refused: ['1 image with another label (cat/1.png: cat before, dog now)'],
      },
      {
        name: 'with another split',
        make: (folder) => edit(list(folder), 'cat/1.png,cat,train', 'cat/1.png,cat,test'),
        refused: ['in another split (cat/1.png: ', ' before, test now'],
      },
      {
        name: 'with another group',
        make: (folder) => edit(list(folder), 'dog/2.png,dog,train,g8', 'dog/2.png,dog,train,g7'),
        refused: ['groups'],
      },
      {
        name: 'with other content of an image',
        make: (folder) => writeImage(photos(folder), 'cat/1.png', 91),
        refused: ['1 image with other content (cat/1.png)'],
      },
      {
        name: 'in another order',
        make: (folder) =>
          writeFileSync(list(folder), ['path,label,split,plant', ...paths.map(rowOf).reverse(), ''].join('\n')),
        refused: null,
      },
      { name: 'touched only', make: (folder) => touch(list(folder)), refused: null },
      {
        name: 'moved with its images',
        make: (folder) => renameSync(photos(folder), join(folder, 'moved')),
        refused: null,
        data: 'moved/list.csv',
      },
    ],
  },
  'an archive': {
    write: async (folder) => {
      await writePhotos(photos(folder));
      await writeArchive(folder);
      return { data: `{ type: image-folder, path: ${join(folder, 'photos.tar.gz')}, ${size} }` };
    },
    changes: [
      {
        name: 'with other content',
        make: async (folder) => {
          await writeImage(photos(folder), 'cat/1.png', 91);
          await writeArchive(folder);
        },
        refused: ['1 image with other content (cat/1.png)'],
      },
      { name: 'touched only', make: (folder) => touch(join(folder, 'photos.tar.gz')), refused: null },
      { name: 'packed again', make: writeArchive, refused: null },
      {
        name: 'moved',
        make: (folder) => renameSync(join(folder, 'photos.tar.gz'), join(folder, 'moved.tar.gz')),
        refused: null,
        data: 'moved.tar.gz',
      },
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
      {
        name: 'added',
        make: (folder) => writeImage(join(folder, 'more'), '9.png', 59),
        refused: ['1 image added (9.png)'],
      },
      {
        name: 'with other content',
        make: (folder) => writeImage(join(folder, 'more'), '1.png', 58),
        refused: ['1 image with other content (1.png)'],
      },
      { name: 'touched only', make: (folder) => touch(join(folder, 'more', '1.png')), refused: null },
    ],
  },
  'IDX files': {
    write: (folder) => {
      makeTinyDataset(photos(folder), { train: 4, test: 2 });
      return { data: `{ type: fashion-mnist, path: ${photos(folder)}, validation: 0.25 }` };
    },
    changes: [
      {
        name: 'with another pixel',
        make: (folder) => invert(photo(folder, 'train-images-idx3-ubyte'), 999),
        refused: ['1 image with other content (#1)'],
      },
      {
        name: 'with more images',
        make: (folder) => void makeTinyDataset(photos(folder), { train: 5, test: 2 }),
        refused: ['added'],
      },
      {
        name: 'touched only',
        make: (folder) => readdirSync(photos(folder)).forEach((name) => touch(photo(folder, name))),
        refused: null,
      },
      {
        name: 'moved',
        make: (folder) => renameSync(photos(folder), join(folder, 'moved')),
        refused: null,
        data: 'moved',
      },
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
      {
        name: 'with another label',
        make: (folder) => edit9(photo(folder, 'data_batch_2.bin')),
        refused: ['with another label (#20: airplane before, cat now'],
      },
      { name: 'touched only', make: (folder) => touch(photo(folder, 'test_batch.bin')), refused: null },
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
      {
        name: 'with other content',
        make: (folder) => teacherFile(folder, 2),
        refused: ['teacher.path: the teacher ', 'teacher.onnx has another content'],
      },
      { name: 'touched only', make: (folder) => touch(join(folder, 'teacher.onnx')), refused: null },
    ],
  },
  'a module': {
    write: async (folder) => {
      await writePhotos(photos(folder));
      const module = join(folder, 'mine.mjs');
      for (const [name, text] of Object.entries(imported)) writeFileSync(join(folder, name), text);
      writeFileSync(module, "import { a } from './a.mjs';\nexport default () => ({ accuracy: a });\n");
      const data = `{ type: image-folder, path: ${photos(folder)}, ${size} }`;
      return { data, teacher: '', train: '', evaluate: `{ type: module, path: ${module} }` };
    },
    changes: [
      {
        name: 'with other content',
        make: (folder) => appendFileSync(join(folder, 'mine.mjs'), '// other\n'),
        refused: ['evaluate.path: the module ', 'mine.mjs, or a file that it imports, has another content'],
      },
      {
        name: 'with other content of a file at the end of its imports',
        make: (folder) => appendFileSync(join(folder, 'd.json'), ' '),
        refused: ['evaluate.path: the module ', 'mine.mjs, or a file that it imports, has another content'],
      },
      {
        name: 'beside another module',
        make: (folder) => writeFileSync(join(folder, 'other.mjs'), ''),
        refused: null,
      },
      { name: 'gone', make: (folder) => rmSync(join(folder, 'mine.mjs')), refused: ['mine.mjs is gone'] },
      { name: 'touched only', make: (folder) => touch(join(folder, 'mine.mjs')), refused: null },
    ],
  },
};

/** Changes the label of the first image of a file. */
const edit9 = (file: string): void => {
  const bytes = readFileSync(file);
  bytes[0] = 3;
  writeFileSync(file, bytes);
};

/** Writes an experiment, and begins its run: it ends before its first trial. */
async function begun(folder: string, keys: Readonly<Record<string, string>>): Promise<string> {
  const file = join(folder, 'experiment.yaml');
  const all = {
    name: 'inputs',
    space: JSON.stringify(smallSpace),
    teacher: '{ type: none }',
    train: '{ epochs: 1, batch: 4 }',
    final: 'none',
    objectives: '[accuracy, macs]',
    search: '{ controller: random, trials: 2, parallel: 1 }',
    ...keys,
  };
  const lines = Object.entries(all).flatMap(([key, value]) => (value === '' ? [] : [`${key}: ${value}\n`]));
  writeFileSync(file, lines.join(''));
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
  const [harmless, others] = [true, false].map((goesOn) =>
    changes.filter(({ refused }) => (refused === null) === goesOn),
  );

  it(`${harmless.map(({ name }) => name).join('; ')}: the run goes on`, async () => {
    const folder = temporaryFolder();
    const workdir = await begun(folder, await write(folder));
    const before = readFileSync(join(workdir, 'images.csv'), 'utf8');
    for (const { name, make, data } of harmless) {
      await make(folder);
      const options = data === undefined ? {} : { data: join(folder, data) };
      expect([name, await resumed(workdir, options)]).toEqual([name, 'interrupted']);
    }
    expect(existsSync(join(workdir, 'generations'))).toBe(false);
    expect(readFileSync(join(workdir, 'images.csv'), 'utf8')).toBe(before);
  });

  it.each(others.map((change) => [change.name, change] as const))('%s', async (_name, { make, refused, data }) => {
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
