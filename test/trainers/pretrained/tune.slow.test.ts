import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { foreignNetwork } from '../../../compiler/index.js';
import { toOnnx } from '../../../spaces/models/index.js';
import {
  dataSchema,
  prepareDataset,
  prepareTeacher,
  readPretrained,
  tune,
  tuneTraining,
  describeDataset,
  openDataset,
  type DatasetRef,
  type TeacherConfig,
  teacherSchema,
  trainSchema,
  type Tuned,
  type TuneJob,
  type TunePart,
} from '../../../trainers/index.js';
import { nativeLibrary } from '../../../compiler/native/index.js';
import { engineSchema, type EngineConfig } from '../../../trainers/schema/engine.js';
import { shaken } from '../../deploy/support/classifiers.js';
import { drawTasks } from '../../docs/draw-tasks.js';
import { layersModelOf } from '../../support/layers-model.js';
import { file as fixture } from '../support/foreign.js';
import { saveLayersModel } from '../support/layers-model-file.js';
import { tinyStudent, tinyTeacher } from '../support/networks.js';
import { auto, compiled, sharedWorkbench, quiet } from '../support/tiny-training.js';

const bench = sharedWorkbench();
const path = join(bench.folder, 'other.onnx');
// Random weights are features enough for these images; the file has classes of its own.
beforeAll(() => writeFileSync(path, toOnnx(shaken(tinyStudent({ classes: 7 })))));

const training = tuneTraining(96, { epochs: 2, batch: 16, augment: [{ type: 'flip' }], learningRate: 2e-3 });

const jobFor = (name: string, overrides: Partial<TuneJob> = {}): TuneJob => ({
  file: { path },
  adapt: 'all',
  train: training,
  freeze: [],
  dataset: bench.dataset,
  seed: 3,
  engine: auto,
  threads: 1,
  cache: join(bench.folder, 'cache'),
  directory: join(bench.folder, name),
  ...overrides,
});

/** The native engine, where its library loads, and the compiled one. */
const engines: readonly EngineConfig[] = [
  compiled,
  ...('reason' in nativeLibrary() ? [] : [engineSchema.parse({ type: 'native' })]),
];

const weightsOf = ({ model }: Tuned) => new Map(foreignNetwork(model).weights.map(({ name, data }) => [name, data]));

describe('a classifier of other classes', () => {
  test('gets a head for these classes, the same each time, from cached features, which may be named', async () => {
    let computed = 0;
    const hooks = {
      ...quiet(),
      onPart: (part: TunePart) => {
        if (part === 'features') computed++;
      },
    };
    const first = await tune(jobFor('head', { adapt: 'head' }), hooks);
    expect(first.scores.accuracy).toBeGreaterThan(0.3);
    expect(foreignNetwork(first.model).classes).toBe(10);
    expect(first.curve).toEqual([]);
    expect(computed).toBeGreaterThan(0);
    computed = 0;
    const again = await tune(jobFor('head again', { adapt: 'head' }), hooks);
    expect(computed).toBe(0);
    expect(again.model).toEqual(first.model);
    const { network } = await readPretrained({ path }, describeDataset(bench.dataset));
    const features = network.head?.features ?? expect.fail('no head');
    const named = await tune(jobFor('named', { adapt: 'head', file: { path, features } }), hooks);
    expect(named.scores).toEqual(first.scores);
  });

  test.each(engines)(
    'is fine-tuned by the engine $type, and goes on after an interruption bit for bit',
    async (engine) => {
      const [name, own] = [engine.type, { engine }];
      const notes: string[] = [];
      const whole = await tune(jobFor(`whole ${name}`, own), { ...quiet(), onNote: (note) => notes.push(note) });
      expect(notes.filter((note) => note.includes('compiled engine'))).toEqual([]);
      expect(whole.curve).toHaveLength(2);
      const controller = new AbortController();
      const hooks = { ...quiet({ signal: controller.signal }), onEpoch: () => controller.abort() };
      const part = tune(jobFor(`part ${name}`, own), hooks);
      await expect(part).rejects.toMatchObject({ code: 'interrupted' });
      expect(existsSync(join(bench.folder, `part ${name}`, 'checkpoint.bin'))).toBe(true);
      const resumed = await tune(jobFor(`part ${name}`, own), quiet());
      expect(resumed.model).toEqual(whole.model);
      expect(resumed.scores).toEqual(whole.scores);
    },
  );

  test('keeps frozen weights', async () => {
    const source = await readPretrained({ path }, describeDataset(bench.dataset));
    const frozen = source.network.weights.map(({ name }) => name).slice(0, 4);
    const job = jobFor('frozen', { freeze: frozen });
    const loose = tuneTraining(96, { epochs: 1, batch: 32, learningRate: 0.01 });
    const found = await tune({ ...job, train: loose }, quiet());
    const tuned = weightsOf(found);
    const kept = [...tuned.values()].map(String);
    const before = source.network.weights.map(({ data }) => String(data));
    expect(before.slice(0, 4).every((data) => kept.includes(data))).toBe(true);
  });

  test('may be a TF.js layers model', async () => {
    await tf.setBackend('cpu');
    const model = layersModelOf(tinyTeacher({ classes: 4 }), 5);
    const folder = join(bench.folder, 'layers');
    await saveLayersModel(model, folder);
    model.dispose();
    const tuned = await tune(jobFor('from layers', { adapt: 'head', file: { path: folder } }), quiet());
    expect(foreignNetwork(tuned.model).classes).toBe(10);
  });

  test('has no features of a wrong name', async () => {
    await expect(tune(jobFor('wrong', { file: { path, features: 'nothing' } }), quiet())).rejects.toThrow(
      "computes no features [N, size] or [N, size, height, width] named 'nothing'",
    );
  });

  test('of other channels is refused', async () => {
    const rgb = join(bench.folder, 'rgb.onnx');
    writeFileSync(rgb, fixture('resnet.onnx'));
    await expect(tune(jobFor('rgb', { file: { path: rgb } }), quiet())).rejects.toThrow(
      'takes images of 3 channels, the data has 1',
    );
  });
});

describe('an adapted teacher', () => {
  const prepare = async (config: TeacherConfig, dataset: DatasetRef = bench.dataset, notes: string[] = []) => {
    const train = trainSchema.parse({ epochs: 1, batch: 16, loss: { type: 'kd' }, augment: ['flip'] });
    const hooks = { onNote: (note: string) => void notes.push(note) };
    const cache = join(bench.folder, 'cache');
    const teacher = await prepareTeacher(config, {
      dataset,
      train,
      seed: 4,
      engine: auto,
      threads: 1,
      cache,
      hooks,
    });
    return teacher ?? expect.fail('no teacher');
  };

  test.each(['head', 'all'] as const)('with adapt: %s knows the classes of the data', async (adapt) => {
    const epochs = adapt === 'all' ? 2 : undefined;
    const config = teacherSchema.parse({ type: 'file', path, adapt, epochs });
    const teacher = await prepare(config);
    expect(teacher.name).toBe('other.onnx, adapted');
    expect(teacher.accuracy).toBeGreaterThan(0.3);
    expect(teacher.logits).not.toBeNull();
    expect(await prepare(config)).toEqual(teacher);
  });

  test('is refused without adapt, with the hint to adapt', async () => {
    await expect(prepare(teacherSchema.parse({ type: 'file', path }))).rejects.toMatchObject({
      hint: expect.stringContaining('teacher.adapt') as string,
    });
  });

  test('has no keys that would be without effect', () => {
    const wrong = teacherSchema.safeParse({ type: 'file', path, adapt: 'head', epochs: 3 });
    expect(wrong.error?.issues[0].message).toContain('has no effect with adapt: head; it needs adapt: all');
    expect(teacherSchema.safeParse({ type: 'file', path, features: 'x' }).success).toBe(false);
  });
});

describe.each(['multi-label', 'regression'] as const)('for %s', (task) => {
  test('a head on random features beats no features', async () => {
    const folder = join(bench.folder, task);
    await drawTasks(folder, 60);
    const lists = {
      'multi-label': ['tags.csv', 'tags'],
      regression: ['numbers.csv', ['diameter', 'brightness']],
    } as const;
    const [list, label] = lists[task];
    const data = dataSchema.parse({ type: 'list', path: join(folder, list), image: 'file', task, label, size: 32 });
    const dataset = await prepareDataset(data, { cache: join(bench.folder, 'cache') });
    const rgb = join(folder, 'resnet.onnx');
    writeFileSync(rgb, fixture('resnet.onnx'));
    const { scores, model } = await tune(jobFor(task, { adapt: 'head', file: { path: rgb }, dataset }), quiet());
    const open = openDataset(dataset);
    const { targets } = open.split('validation');
    open.close();
    const ones = [...(targets ?? [])].filter((value) => value === 1).length;
    const share = ones / (targets?.length ?? 1);
    expect(scores.accuracy).toBeGreaterThan(task === 'regression' ? 0.1 : share);
    expect(foreignNetwork(model).classes).toBe(describeDataset(dataset).classes.length);
  });
});
