import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportModel } from '../../../compiler/index.js';
import { presetNetworks } from '../../../spaces/index.js';
import { initialWeights, toLayersModel } from '../../../spaces/models/index.js';
import { layersModelOf } from '../../support/layers-model.js';
import { answerBytes } from '../support/answers.js';
import {
  createLoader,
  fit,
  openDataset,
  prepareTeacher,
  saveWeights,
  teacherSchema,
  teacherSize,
  trainSchema,
  type DatasetInfo,
  type PreparedTeacher,
  type SingleTeacher,
  type TeacherConfig,
  type TeacherOptions,
  describeDataset,
} from '../../../trainers/index.js';
import { readWeights } from '../../../trainers/weights.js';
import { saveLayersModel } from '../support/layers-model-file.js';
import { tinyStudent, tinyTeacher } from '../support/networks.js';
import { auto, compiled, sharedWorkbench, quiet, tinyJob, tinyTrain } from '../support/tiny-training.js';

const bench = sharedWorkbench([7]);
let info: DatasetInfo;
let model: tfl.LayersModel;
/** Views of each of the 96 images whose answers are averaged. */
const views = 16;
/** The logits of `model`, once they are known. */
let ofModel: number[] | undefined;
const kd = trainSchema.parse({ ...tinyTrain, epochs: 1, loss: { type: 'kd' } });

beforeAll(async () => {
  info = describeDataset(bench.dataset);
  await tf.setBackend('cpu');
  model = layersModelOf(tinyTeacher(), 5);
});
afterAll(() => {
  model.dispose();
});

const options = (overrides: Partial<TeacherOptions> = {}): TeacherOptions => ({
  dataset: bench.dataset,
  train: kd,
  seed: 11,
  engine: auto,
  threads: 1,
  cache: join(bench.folder, 'cache'),
  ...overrides,
});

async function prepare(config: TeacherConfig, overrides?: Partial<TeacherOptions>): Promise<PreparedTeacher> {
  const teacher = await prepareTeacher(config, options(overrides));
  if (teacher === null) throw new Error('a teacher was expected');
  return teacher;
}

const logitsOf = ({ logits }: PreparedTeacher): Float32Array => {
  if (logits === null) throw new Error('logits were expected');
  return new Float32Array(answerBytes(logits.file));
};

/** The mean logits that a model gives for the views of each image, computed by TF.js alone. @param mirrors the mean of views and mirrored views */
async function expectedLogits(teacher: tfl.LayersModel, mirrors = false): Promise<number[]> {
  if (teacher === model && ofModel !== undefined) return ofModel;
  const rows: number[][] = [];
  const side = teacher.inputs[0].shape[1] ?? 10;
  const dataset = openDataset(bench.dataset);
  const options = { split: 'train', seed: 11, augment: kd.augment } as const;
  const loader = createLoader({ ...options, dataset, batch: 16, size: [side, side] });
  for (let view = 0; view < views; view++) {
    rows[view] = [];
    for await (const { images, size } of loader.epoch(view))
      rows[view].push(
        ...tf.tidy(() => {
          const shown = tf.tensor4d(images, [size, side, side, 1]);
          const [logits, others] = [shown, tf.reverse(shown, 2)].map((view) => teacher.predict(view) as tf.Tensor);
          return (mirrors ? tf.div(tf.add(logits, others), 2) : logits).dataSync();
        }),
      );
  }
  await loader.close();
  dataset.close();
  const means = rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / views);
  if (teacher === model) ofModel = means;
  return means;
}

function expectClose(actual: Float32Array, expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  const worst = actual.reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i])), 0);
  expect(worst).toBeLessThan(1e-3);
}

describe('a network that was trained before', () => {
  test('gives the mean logits of views in its own resolution', async () => {
    const network = tinyStudent({ size: 7 });
    const weights = join(bench.folder, 'given.bin');
    const values = initialWeights(network, 9);
    // Logits that differ between images.
    values.get('logits/kernel')?.data.forEach((x, i, data) => (data[i] = 50 * x));
    saveWeights(values, weights);
    const teacher = await prepareTeacher(
      { type: 'network', name: 'trial 7', network, weights },
      { dataset: bench.dataset, train: kd, seed: 11, engine: auto, threads: 1, cache: join(bench.folder, 'given') },
    );
    if (teacher === null) throw new Error('a teacher was expected');
    expect(teacher).toMatchObject({ type: 'network', name: 'trial 7' });
    await tf.setBackend('cpu');
    const live = toLayersModel({ network, weights: values });
    const expected = await expectedLogits(live);
    expectClose(logitsOf(teacher), expected);
    expect(new Set(expected.map((x) => x.toFixed(3))).size).toBeGreaterThan(100);
    live.dispose();
  });
});

describe('a trained teacher', () => {
  const config = teacherSchema.parse({ type: 'train', network: 'resnet', width: 0.25, epochs: 1, batch: 32 });

  test('is trained once, and has the mean logits of its model for the views of an image and their mirror images', async () => {
    const counts: number[] = [];
    const files: string[] = [];
    const teacher = await prepare(config, {
      hooks: { onLogits: (done, total) => counts.push(done / total), onFile: (path) => files.push(path) },
    });
    expect(counts.at(-1)).toBe(1);
    expect(teacher).toMatchObject({ type: 'train', name: 'resnet (width 0.25)', classes: info.classes });
    await tf.setBackend('cpu');
    const network = presetNetworks.resnet(
      { input: [info.height, info.width, info.channels], classes: info.classes.length },
      0.25,
    );
    const live = toLayersModel({ network, weights: readWeights(network, files.at(-1) ?? '') });
    expectClose(logitsOf(teacher), await expectedLogits(live, true));
    live.dispose();

    const again = await prepare(config, {
      hooks: {
        onProgress: () => expect.fail('trained again'),
        onLogits: () => expect.fail('computed logits again'),
      },
    });
    expect(again).toEqual(teacher);
  });

  test('is trained again for another engine, which rounds differently', async () => {
    await prepare(config);
    const signal = AbortSignal.abort();
    await prepare(config, { hooks: { signal } });
    await expect(prepare(config, { engine: compiled, hooks: { signal } })).rejects.toMatchObject({
      code: 'interrupted',
    });
  });

  test('changes with the seed, and its logits with the views', async () => {
    const first = await prepare(config);
    const second = await prepare(config, { seed: 12 });
    expect(second.hash).not.toBe(first.hash);
    const views = await prepare(config, { train: { ...kd, augment: [...kd.augment, { type: 'mixup', alpha: 0.2 }] } });
    expect(views.hash).toBe(first.hash);
    expect(views.logits?.file).not.toBe(first.logits?.file);
  });

  test('does not repeat complete answers after an interruption, and gives the same', async () => {
    const whole = await prepare(config);
    const stop = new AbortController();
    const onLogits = (done: number, total: number): void => {
      if (done >= total / 2) stop.abort();
    };
    const cut = { seed: 11, cache: join(bench.folder, 'cut') };
    const interrupted = prepare(config, { ...cut, hooks: { signal: stop.signal, onLogits } });
    await expect(interrupted).rejects.toMatchObject({ code: 'interrupted' });
    const asked: number[] = [];
    const continued = await prepare(config, { ...cut, hooks: { onLogits: (done) => asked.push(done) } });
    expect(asked[0]).toBeGreaterThan((views * info.counts.train) / 4);
    expect(logitsOf(continued)).toEqual(logitsOf(whole));
    expect(readdirSync(join(cut.cache, 'teachers')).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test('computes answers again that are damaged, or of another teacher', async () => {
    const own = { cache: join(bench.folder, 'damaged') };
    const [whole, other] = [await prepare(config, own), await prepare(config, { ...own, seed: 12 })];
    const logits = logitsOf(whole);
    const file = whole.logits?.file ?? '';
    const bytes = readFileSync(file);
    for (const [content, why] of [
      [bytes.subarray(0, bytes.length / 2), 'bytes instead of'],
      [readFileSync(other.logits?.file ?? ''), 'are of another teacher'],
      [Buffer.concat([bytes.subarray(0, -1), Buffer.from([1])]), 'checksum'],
    ] as const) {
      writeFileSync(file, content);
      const notes: string[] = [];
      expect(logitsOf(await prepare(config, { ...own, hooks: { onNote: (note) => notes.push(note) } }))).toEqual(
        logits,
      );
      expect(notes).toEqual([expect.stringMatching(`${why}.*: they are computed again`)]);
    }
  });

  test('removes the logits of single views that an earlier version cached, and says so once', async () => {
    const cache = join(bench.folder, 'cache');
    const notes: string[] = [];
    for (const name of ['logits-0a.f32', 'logits-0b.f32.part']) writeFileSync(join(cache, 'teachers', name), 'x');
    const own = { hooks: { onNote: (note: string) => notes.push(note) } };
    await prepare(config, own);
    await prepare(config, own);
    expect(notes).toEqual([expect.stringMatching(/^Removed 2 files of logits that an earlier version cached/)]);
    expect(readdirSync(join(cache, 'teachers')).filter((name) => name.startsWith('logits'))).toEqual([]);
  });

  test('continues after an interruption', async () => {
    const controller = new AbortController();
    const long = { ...config, epochs: 2 };
    let epochs = 0;
    const signal = controller.signal;
    const onEpoch = (): void => {
      epochs++;
      controller.abort();
    };
    await expect(prepare(long, { hooks: { signal, onEpoch } })).rejects.toMatchObject({ code: 'interrupted' });
    await prepare(long, { hooks: { onEpoch: () => epochs++ } });
    expect(epochs).toBe(2);
  });

  test('has the width and the epochs that its minutes allow, which a resumed training keeps', async () => {
    const timed = (minutes: number) =>
      teacherSchema.parse({ type: 'train', network: 'resnet', width: 0.25, minutes, batch: 32 });
    const own = { cache: join(bench.folder, 'timed') };
    const controller = new AbortController();
    const cut = { signal: controller.signal, onProgress: () => controller.abort() };
    await expect(prepare(timed(0.02), { ...own, hooks: cut })).rejects.toMatchObject({ code: 'interrupted' });
    const [folder] = readdirSync(join(own.cache, 'teachers')).map((name) => join(own.cache, 'teachers', name));
    const size = { width: 0.25, epochs: 2 };
    writeFileSync(join(folder, 'size.json'), JSON.stringify(size));
    rmSync(join(folder, 'checkpoint.bin'), { force: true });
    let epochs = 0;
    const teacher = await prepare(timed(0.02), { ...own, hooks: { onEpoch: () => epochs++ } });
    expect([teacher.name, epochs]).toEqual(['resnet (width 0.25, 2 epochs)', 2]);
    const short = prepare(timed(1e-9), own);
    await expect(short).rejects.toThrow(/^teacher\.minutes: 1e-9 is too short: an epoch of its smallest network takes/);
  });

  test('computes no logits that the loss does not need', async () => {
    const train = trainSchema.parse({ ...kd, loss: { type: 'cross-entropy' } });
    expect((await prepare(config, { train })).logits).toBeNull();
  });
});

describe('an ONNX teacher', () => {
  const file = (name: string, bytes: Uint8Array): string => {
    const path = join(bench.folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  const onnx = (path: string, extra: object = {}): TeacherConfig =>
    teacherSchema.parse({ type: 'file', path, ...extra });

  test('of another resolution sees the same views in its own size', async () => {
    const small = layersModelOf(tinyTeacher({ size: 7 }), 1);
    const path = file('small.onnx', exportModel(small));
    expect(await teacherSize(onnx(path))).toEqual([7, 7]);
    expectClose(logitsOf(await prepare(onnx(path))), await expectedLogits(small));
  });

  test('brings its classes into the order of the data, from the metadata or the configuration', async () => {
    const classes = [...info.classes].reverse();
    const expected = await expectedLogits(model);
    const reversed = expected.map((_, i) => expected[i - (i % 10) + 9 - (i % 10)]);
    const metadata = { classes: JSON.stringify(classes) };
    const named = await prepare(onnx(file('named.onnx', exportModel(model, { metadata }))));
    expectClose(logitsOf(named), reversed);
    const configured = await prepare(onnx(file('configured.onnx', exportModel(model)), { classes }));
    expectClose(logitsOf(configured), reversed);
  });

  test('gets images with its own normalisation', async () => {
    const { mean, std } = info;
    const shifted = { mean: mean.map((m) => m - 0.1), std: std.map((s) => s * 2) };
    const input = tfl.input({ shape: [10, 10, 1] });
    // Undoes the other normalisation, so that the logits must not change.
    const undo = tfl.layers.rescaling({ scale: 2, offset: -0.1 / std[0] });
    const wrapped = tfl.model({ inputs: input, outputs: model.apply(undo.apply(input)) as tfl.SymbolicTensor });
    const expected = await expectedLogits(model);
    const configured = await prepare(onnx(file('shifted.onnx', exportModel(wrapped)), shifted));
    expectClose(logitsOf(configured), expected);
    const metadata = { layout: 'NHWC', mean: JSON.stringify(shifted.mean), std: JSON.stringify(shifted.std) };
    const named = await prepare(onnx(file('shifted-named.onnx', exportModel(wrapped, { metadata }))));
    expectClose(logitsOf(named), expected);
  });

  test('says the normalisation of its images, and where it comes from', async () => {
    const { mean, std } = info;
    const path = file('said.onnx', exportModel(model));
    expect((await prepare(onnx(path))).normalisation).toEqual({ mean, std, from: 'data' });
    const written = { mean: [0.25], std: [0.5] };
    expect((await prepare(onnx(path, written))).normalisation).toEqual({ ...written, from: 'configuration' });
    const metadata = { layout: 'NHWC', mean: JSON.stringify(written.mean), std: JSON.stringify(written.std) };
    const said = file('says.onnx', exportModel(model, { metadata }));
    expect((await prepare(onnx(said))).normalisation).toEqual({ ...written, from: 'metadata' });
    const byData = await prepare(onnx(said, { normalisation: 'data' }));
    expect(byData.normalisation).toEqual({ mean, std, from: 'configuration' });
    expectClose(logitsOf(byData), await expectedLogits(model));
    await expect(prepare(onnx(path, { normalisation: 'imagenet' }))).rejects.toThrow(/normalises 3 \(mean\)/);
  });

  test('says how accurate it is, beside always answering the most frequent class', async () => {
    const { chance } = await prepare(onnx(file('plain.onnx', exportModel(model))));
    expect(chance).toEqual({ accuracy: expect.closeTo(0.1, 1) as number, images: info.counts.validation });
  });

  test('with a softmax in eight bits teaches by its logits', async () => {
    const softmax = tfl.layers.activation({ activation: 'softmax' });
    const rescaled = tfl.layers.rescaling({ scale: 1.008 });
    const output = rescaled.apply(softmax.apply(model.outputs[0])) as tfl.SymbolicTensor;
    const bytes = exportModel(tfl.model({ inputs: model.inputs, outputs: output }));
    const rows = logitsOf(await prepare(onnx(file('rescaled.onnx', bytes))));
    const first = [...rows.subarray(0, 10)];
    expect(first.reduce((sum, x) => sum + Math.exp(x), 0)).toBeCloseTo(1.008, 3);
  });

  test('runs in chunks when its batch is fixed', async () => {
    const teacher = await prepare(onnx(file('fixed.onnx', exportModel(model, { batch: 7 }))));
    expectClose(logitsOf(teacher), await expectedLogits(model));
  });

  test.each<[string, () => Uint8Array, object, RegExp]>([
    ['that is no ONNX file', () => new Uint8Array([1, 2, 3]), {}, /is not an ONNX model/],
    [
      'with too few classes',
      () => exportModel(layersModelOf(tinyTeacher({ classes: 9 }), 1)),
      {},
      /9 outputs, the data 10/,
    ],
    ['of other classes', () => exportModel(model), { classes: 'abcdefghij'.split('') }, /lacks .*the data lacks a, b/],
    [
      'for images of a size that the data was not rendered in',
      () => exportModel(layersModelOf(tinyTeacher({ size: 12 }), 1)),
      {},
      /were not rendered at 12 x 12/,
    ],
    ['of another layout', () => exportModel(model), { layout: 'NCHW' }, /does not fit images .* in the layout NCHW/],
    [
      'with half a normalisation',
      () => exportModel(model),
      { mean: [0.5] },
      /normalises 1 \(mean\) and 0 \(std\) channels, the data has 1/,
    ],
  ])('%s is refused', async (name, bytes, extra, message) => {
    await expect(prepare(onnx(file(`${name}.onnx`, bytes()), extra))).rejects.toThrow(message);
  });

  test('that does not exist is refused', async () => {
    await expect(prepare(onnx('/nowhere/teacher.onnx'))).rejects.toMatchObject({ code: 'invalid-input' });
  });
});

describe('a TF.js teacher', () => {
  const layersModel = (path: string): TeacherConfig => teacherSchema.parse({ type: 'file', path });

  test('gives its logits, reordered', async () => {
    const classes = [...info.classes.slice(1), info.classes[0]];
    const path = await saveLayersModel(model, join(bench.folder, 'tfjs'), classes);
    const train = trainSchema.parse({ ...kd, loss: { type: 'dkd' } });
    const teacher = await prepare(layersModel(path), { train });
    const expected = await expectedLogits(model);
    expectClose(
      logitsOf(teacher),
      expected.map((_, i) => expected[i - (i % 10) + ((i + 9) % 10)]),
    );
    expect((await fit(tinyJob(bench, 'by-tfjs', { train, teacher }), quiet())).state).toBe('complete');
  });

  test('that ends in a softmax still teaches by logits', async () => {
    const softmax = tfl.layers.activation({ activation: 'softmax' });
    const output = softmax.apply(model.outputs[0]) as tfl.SymbolicTensor;
    const path = await saveLayersModel(
      tfl.model({ inputs: model.inputs, outputs: output }),
      join(bench.folder, 'softmax'),
    );
    const rows = logitsOf(await prepare(layersModel(path)));
    const probabilities = (values: ArrayLike<number>): number[] =>
      tf.tidy(() => [...tf.softmax(tf.tensor2d(Array.from(values), [values.length / 10, 10])).dataSync()]);
    expect(rows.some((x) => x < 0)).toBe(true);
    expectClose(Float32Array.from(probabilities(rows)), probabilities(await expectedLogits(model)));
  });

  test('that is missing or damaged is refused, and one of another size asks for its size', async () => {
    await expect(prepare(layersModel(join(bench.folder, 'nothing')))).rejects.toThrow(/cannot be read/);
    const path = await saveLayersModel(model, join(bench.folder, 'damaged'));
    writeFileSync(join(path, 'model.json'), '{"modelTopology": 1');
    await expect(prepare(layersModel(path))).rejects.toMatchObject({ code: 'invalid-input' });
    const large = layersModelOf(tinyTeacher({ size: 12 }), 1);
    const other = await saveLayersModel(large, join(bench.folder, 'large'));
    expect(await teacherSize(layersModel(other))).toEqual([12, 12]);
  });
});

describe('the mean of several teachers', () => {
  const save = (name: string, side: number, seed: number): SingleTeacher => {
    const own = layersModelOf(tinyTeacher({ size: side }), seed);
    const path = join(bench.folder, name);
    writeFileSync(path, exportModel(own));
    own.dispose();
    return { type: 'file', path };
  };

  test('is that of their probabilities', async () => {
    const of = [save('first.onnx', 10, 1), save('second.onnx', 10, 2)];
    const notes: string[] = [];
    const teacher = await prepare({ type: 'average', of }, { hooks: { onNote: (note) => notes.push(note) } });
    expect(teacher.name).toBe('the mean of first.onnx and second.onnx');
    expect(notes.filter((note) => /^(first|second)\.onnx: validation accuracy/.test(note))).toHaveLength(2);
    const [a, b] = [await prepare(of[0]), await prepare(of[1])].map(logitsOf);
    const averaged = logitsOf(teacher);
    const share = (row: Float32Array, k: number): number =>
      Math.exp(row[k]) / row.reduce((sum, x) => sum + Math.exp(x), 0);
    for (let start = 0; start < 200; start += 10) {
      const [first, second, mean] = [a, b, averaged].map((rows) => rows.subarray(start, start + 10));
      for (let k = 0; k < 10; k++) expect(Math.exp(mean[k])).toBeCloseTo((share(first, k) + share(second, k)) / 2, 5);
    }
  });

  test('of other sizes is refused', async () => {
    const of = [save('small.onnx', 7, 1), save('large.onnx', 10, 2)];
    await expect(prepare({ type: 'average', of })).rejects.toThrow(
      'the teachers take images of other sizes: small.onnx 7x7, large.onnx 10x10',
    );
  });
});

test('type none gives no teacher', async () => {
  const train = trainSchema.parse({ ...kd, loss: undefined });
  expect(await prepareTeacher({ type: 'none' }, options({ train }))).toBeNull();
});
