import { existsSync, mkdirSync, readdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import sharp from 'sharp';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { classScores, metricsOf } from '../../../base/scores.js';
import { toOnnx } from '../../../spaces/models/index.js';
import {
  dataSchema,
  describeDataset,
  prepareDataset,
  readPretrained,
  teacherSchema,
  trimCache,
  tune,
  tuneTraining,
  type DatasetRef,
  type PretrainedFile,
  type Tuned,
  type TuneHooks,
  type TuneJob,
} from '../../../trainers/index.js';
import { headParts } from '../../../trainers/pretrained/fit-head.js';
import { readingLines } from '../../../trainers/pretrained/read.js';
import { withSchedule } from '../../../trainers/pretrained/training.js';
import { shaken } from '../../deploy/support/classifiers.js';
import { temporaryFolder } from '../../support/temporary.js';
import { saveLayersModel } from '../support/layers-model-file.js';
import { tinyStudent } from '../support/networks.js';
import { auto, sharedWorkbench, quiet } from '../support/tiny-training.js';
import { openedDataset } from '../../support/tiny-dataset.js';

const bench = sharedWorkbench();
const path = join(bench.folder, 'other.onnx');
beforeAll(() => writeFileSync(path, toOnnx(shaken(tinyStudent({ classes: 7 })))));

const head = (
  name: string,
  settings: Parameters<typeof tuneTraining>[1],
  overrides: Partial<TuneJob> = {},
  hooks: Partial<TuneHooks> = {},
) =>
  tune(
    {
      file: { path },
      adapt: 'head',
      train: tuneTraining(96, settings),
      freeze: [],
      dataset: bench.dataset,
      seed: 3,
      engine: auto,
      threads: 1,
      cache: join(bench.folder, 'cache'),
      directory: join(bench.folder, name),
      ...overrides,
    },
    { ...quiet(), ...hooks },
  );

/** Images that are taken for the second class, Trouser. */
const trousers = ({ scores: { details } }: Tuned): number =>
  details.type === 'classification' ? details.confusion.reduce((sum, row) => sum + row[1], 0) : expect.fail('classes');

describe('a fitted head', () => {
  test('balances classes as the training of the experiment does, and is fitted once, whatever the training', async () => {
    const parts = new Set<string>();
    const onPart: TuneHooks['onPart'] = (part) => void parts.add(part);
    const plain = await head('head', {}, {}, { onPart });
    expect(parts).toContain('head');
    parts.clear();
    const again = await head('again', { epochs: 3, learningRate: 1e-3 }, {}, { onPart });
    expect({ model: again.model, scores: again.scores }).toEqual({ model: plain.model, scores: plain.scores });
    expect([...parts]).toEqual([]);
    const heavy = await head('head', { class_weight: { Trouser: 1e4 } });
    expect(trousers(heavy)).toBeGreaterThan(trousers(plain));
    const { details } = heavy.scores;
    if (details.type === 'classification') expect(classScores(details.confusion)[1].recall).toBe(1);
    await expect(head('unknown', { class_weight: { Trousers: 2 } })).rejects.toThrow('which is no class of the data');
  });
});

test.each([
  ['accuracy', {}],
  ['balanced accuracy', { class_weight: 'auto' as const }],
])('the %s decides between the head and a fine-tuning, as the settings of classes say', async (score, settings) => {
  const onNote: TuneHooks['onNote'] = (line) => {
    if (line.startsWith('With a new head')) throw new Error(line);
  };
  await expect(head(`by ${score}`, settings, { adapt: 'all' }, { onNote })).rejects.toThrow(`validation ${score} of `);
});

test('validates an average over a tenth of the steps, and warms up for a third of the epochs', () => {
  const training = tuneTraining(3200, {});
  expect(training).toMatchObject({ epochs: 8, warmup_epochs: 8 / 3 });
  expect(training.ema).toBeCloseTo(1 - 1 / 80, 10);
  expect(withSchedule(3200, { ...training, epochs: 2, epoch_share: 0.5 }).ema).toBeCloseTo(1 - 1 / 10, 10);
});

test('is longer where minutes end it, and as long as it is told by epochs', () => {
  expect(tuneTraining(320, {}).epochs).toBe(20);
  expect(tuneTraining(320, { length: 'longest' }).epochs).toBe(200);
  expect(tuneTraining(100_000, { length: 'longest' }).epochs).toBe(30);
  expect(tuneTraining(320, { length: 'longest', epochs: 3 }).epochs).toBe(3);
});

test('the average begins with the weights of the file and the new head: a first epoch of tiny steps answers like the head', async () => {
  const slow = { epochs: 1, batch: 32, learningRate: 1e-9 };
  const { scores, head: before, outlook } = await head('slow', slow, { adapt: 'all' });
  expect(scores.accuracy).toBe(before.scores.accuracy);
  expect(outlook).toMatchObject({ epochs: 2, gain: null });
});

describe('classes of unequal size', () => {
  /** Three classes of grey images, one of them rare. */
  async function greys(): Promise<DatasetRef> {
    const folder = temporaryFolder();
    for (const [name, images, grey] of [
      ['dark', 48, 60],
      ['light', 48, 190],
      ['middle', 12, 125],
    ] as const) {
      mkdirSync(join(folder, name));
      for (let i = 0; i < images; i++) {
        const level = grey + 12 * (i % 12) - 66;
        await sharp({ create: { width: 10, height: 10, channels: 3, background: { r: level, g: level, b: i } } })
          .png()
          .toFile(join(folder, name, `${i}.png`));
      }
    }
    const data = dataSchema.parse({ type: 'image-folder', path: folder, size: 10, channels: 1, validation: 0.3 });
    return prepareDataset(data, { cache: join(folder, 'cache') });
  }

  test('are balanced where that is left to validation, which a note says', async () => {
    const dataset = await greys();
    const notes: string[] = [];
    const onNote = (note: string): void => void notes.push(note);
    const settings = { epochs: 1, batch: 16 };
    const given = await head('given', settings, { dataset }, { onNote });
    expect(notes.filter((note) => note.startsWith('Classes have'))).toEqual([]);
    const chosen = await head('chosen', settings, { dataset, balance: 'chosen' }, { onNote });
    expect(notes.at(-1)).toMatch(/^Classes have \d+ to \d+ training images\. A new head with class_weight auto/);
    const balanced = await head('balanced', { ...settings, class_weight: 'auto' }, { dataset });
    const score = (tuned: Tuned) => metricsOf(tuned.scores.details)['balanced_accuracy'] ?? expect.fail('no classes');
    expect(score(balanced)).toBeGreaterThan(score(given));
    expect(chosen.model).toEqual(balanced.model);
  });
});

test('a fine-tuning ends in time: the head alone where that is short; an interrupted one keeps its length', async () => {
  const notes: string[] = [];
  const hooks = { onNote: (note: string) => void notes.push(note) };
  const settings = { epochs: 3, batch: 32 };
  const none = await head('no time', settings, { adapt: 'all', minutes: 1e-4 }, hooks);
  expect(none).toMatchObject({ adapted: 'head', curve: [] });
  expect(notes.at(-1)).toContain('No time is left to train all weights');
  const all = await head('much time', settings, { adapt: 'all', minutes: 1000 }, hooks);
  expect(all.curve).toHaveLength(3);
  // Timing a step leaves no trace.
  expect((await head('untimed', settings, { adapt: 'all' })).model).toEqual(all.model);
  const folder = join(bench.folder, 'some time');
  mkdirSync(folder);
  writeFileSync(join(folder, 'length.json'), JSON.stringify({ epochs: 1, epoch_share: 1 }));
  const some = await head('some time', settings, { adapt: 'all', minutes: 1000 }, hooks);
  expect(some.curve).toHaveLength(1);
  expect(notes).toContain('1 epoch fits into 1,000 minutes; minutes or epochs change that');
});

test('images of a group of the data are in one part where parts choose the ridge of a head', async () => {
  const folder = temporaryFolder();
  const copies = 3;
  const rows = Array.from({ length: 60 }, (_, i) => `${i}.png,${i % 2 === 0 ? 'cat' : 'dog'},${i % (60 / copies)}`);
  for (const i of rows.keys())
    await sharp({ create: { width: 10, height: 10, channels: 3, background: { r: 4 * i, g: 0, b: 0 } } })
      .png()
      .toFile(join(folder, `${i}.png`));
  writeFileSync(join(folder, 'list.csv'), ['path,label,plant', ...rows, ''].join('\n'));
  const data = dataSchema.parse({ type: 'list', path: join(folder, 'list.csv'), size: 10, group: 'plant' });
  const dataset = openedDataset(await prepareDataset(data, { cache: join(folder, 'cache') }));
  const parts = dataset.trainingParts(headParts);
  const placed = [...dataset.shared.splits.train.indices].map((image, row) => [image % (60 / copies), parts[row]]);
  const groups = new Set(placed.map(([group]) => group));
  expect(placed).toHaveLength(copies * groups.size);
  expect(new Set(placed.map(String)).size).toBe(groups.size);
});

describe('a file is read as it is said', () => {
  /** A small model of Keras: a pooled map, then layers that know an older task. */
  async function layersModel(): Promise<string> {
    await tf.setBackend('cpu');
    const input = tfl.input({ shape: [10, 10, 1] });
    const layers = [
      tfl.layers.conv2d({ filters: 8, kernelSize: 3, padding: 'same', name: 'conv_a' }),
      tfl.layers.batchNormalization({ name: 'bn_a' }),
      tfl.layers.reLU({ name: 'relu_a' }),
      tfl.layers.averagePooling2d({ poolSize: [10, 10], name: 'pool_a' }),
      tfl.layers.flatten({ name: 'flatten_1' }),
      tfl.layers.dense({ units: 6, activation: 'relu', name: 'dense_1' }),
      tfl.layers.dense({ units: 4, activation: 'softmax', name: 'dense_2' }),
    ];
    const outputs = layers.reduce<tfl.SymbolicTensor>((x, layer) => layer.apply(x) as tfl.SymbolicTensor, input);
    const model = tfl.model({ inputs: input, outputs });
    const folder = await saveLayersModel(model, join(temporaryFolder(), 'keras'));
    model.dispose();
    return folder;
  }
  const read = (file: PretrainedFile) => readPretrained(file, describeDataset(bench.dataset));

  test('features have the names of its layers; a wrong name lists them with their sizes', async () => {
    const warn = vi.spyOn(console, 'warn');
    const folder = await layersModel();
    const usual = await read({ path: folder });
    expect(usual.network.features).toBe('dense_1 [6]');
    for (const [features, inputs] of [
      ['flatten_1', 8],
      ['pool_a', 8],
      ['relu_a', 8],
    ] as const)
      expect((await read({ path: folder, features })).network.head?.inputs).toBe(inputs);
    await expect(read({ path: folder, features: 'flatten_2' })).rejects.toMatchObject({
      hint: expect.stringMatching(
        /dense_1 \[6\], flatten_1 \[8\], pool_a \[8 x 1 x 1\], relu_a \[8 x 10 x 10\]/,
      ) as string,
    });
    expect(readingLines(usual)[1]).toContain('The new last layer of keras reads dense_1 [6]');
    // TF.js advertises its native backend.
    expect(warn).not.toHaveBeenCalled();
  });

  test("the normalisation is the given one, the metadata's, or the data's, and is said", async () => {
    const { mean } = describeDataset(bench.dataset);
    const byData = await read({ path });
    expect(byData.scale).toMatchObject({ mean, from: 'data' });
    expect(readingLines(byData)[0]).toMatch(
      /other\.onnx takes images of 10 x 10 pixels .* the data's, as the file does not say/,
    );
    const given = await read({ path, mean: 0, std: [1] });
    expect(given.scale).toEqual({ mean: [0], std: [1], from: 'configuration' });
    expect(readingLines(given)[0]).toContain('mean 0 and std 1: as given');
    expect(given.hash).not.toBe(byData.hash);
    expect(teacherSchema.parse({ type: 'file', path, mean: 0, std: 1 })).toMatchObject({ mean: 0, std: 1 });
    await expect(read({ path, mean: 0 })).rejects.toThrow('normalises 1 (mean) and 0 (std) channels');
  });
});

test('caches forget what was used least recently, above their size', () => {
  const cache = temporaryFolder();
  const days = 86_400_000;
  const entry = (name: string, gigabytes: number, age: number): void => {
    const folder = join(cache, 'features');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, name);
    writeFileSync(file, '');
    truncateSync(file, gigabytes * 2 ** 30);
    utimesSync(file, new Date(Date.now() - age * days), new Date(Date.now() - age * days));
  };
  trimCache(cache, 'features');
  entry('old.f32', 1, 9);
  entry('older.f32', 1, 10);
  entry('new.f32', 3, 3);
  entry('newest.f32', 3, 0);
  entry('held.f32.lock', 0, 99);
  trimCache(cache, 'features', Date.now() - 9.5 * days);
  expect(readdirSync(join(cache, 'features'))).toHaveLength(5);
  trimCache(cache, 'features');
  expect(readdirSync(join(cache, 'features')).sort()).toEqual(['held.f32.lock', 'newest.f32']);
  expect(existsSync(join(cache, 'features', 'new.f32'))).toBe(false);
});
