import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { extremes, memberOf, spaceSchema } from '../../../spaces/index.js';
import {
  engineSchema,
  evaluateMember,
  fitSupernet,
  prepareDataset,
  readTensorFile,
  renderingOf,
  supernetConfig,
  supernetSchema,
  trainSchema,
  type SupernetJob,
  type DatasetRef,
} from '../../../trainers/index.js';
import { makeBoxedImages } from '../../support/boxed-images.js';
import { compiled, stopping } from '../support/tiny-training.js';
import { complete, expectAlike, memberJob } from './jobs.js';
import { makeSpace } from './spaces.js';
import { sharedFolder } from '../../support/temporary.js';

const native = engineSchema.parse({ type: 'native' });

/** Detectors of two sizes of images and two strides. */
const space = spaceSchema.parse({
  type: 'mobilenet',
  resolution: [24, 32],
  width: 1,
  stem: { filters: 4, stride: 2, act: 'relu' },
  stages: [
    { kind: 'fused_mbconv', filters: 6, stride: 2, depth: 1, act: 'relu' },
    { filters: 8, stride: 2, depth: 1, expand: 2, act: 'relu' },
  ],
  detect: { stride: [4, 8], deepest: 8, width: [5, 6], depth: [0, 1] },
});
const task = { input: [32, 32, 3], classes: 2, maps: 'detection' } as const;

const folder = sharedFolder();
let dataset: DatasetRef;
beforeAll(async () => {
  const data = await makeBoxedImages(join(folder, 'images'), { count: 30, size: 32 });
  const renderings = [{ ...renderingOf(data), size: [24, 24] as const }];
  dataset = await prepareDataset(data, { cache: join(folder, 'cache'), renderings });
});

const train = trainSchema.parse({ epochs: 2, batch: 8, augment: ['window', 'flip'], class_sampling: 'balanced' });
const config = supernetConfig(train, supernetSchema.parse({ epochs: 2, networks: 1, hold: 2 }));
const jobOf = (name: string, own: Partial<SupernetJob> = {}): SupernetJob => ({
  ...{ space, task, seed: 3, config, dataset, teacher: null, engine: native, threads: 1 },
  directory: join(folder, name),
  ...own,
});

test('a supernet of detectors goes on after a signal, bit for bit, with outputs of their own for each stride', async () => {
  const whole = await complete(jobOf('whole'));
  const { tensors } = readTensorFile(whole.weights);
  expect([...tensors.keys()].filter((name) => /^(classes|boxes)/.test(name)).sort()).toEqual(
    ['boxes4', 'boxes8', 'classes4', 'classes8'].flatMap((name) => [`${name}/bias`, `${name}/kernel`]),
  );
  expect((await fitSupernet(jobOf('parts'), stopping(2))).state).toBe('interrupted');
  expect(readTensorFile((await complete(jobOf('parts'))).weights).tensors).toEqual(tensors);
});

test('engines train it alike', async () => {
  const own = { config: { ...config, epochs: 1 } };
  const expected = await complete(jobOf('native', own));
  expectAlike(await complete(jobOf('compiled', { ...own, engine: compiled })), expected, 1e-4);
});

test('members of each size and stride are evaluated by AP50, on engines alike', async () => {
  const { weights } = await complete(jobOf('whole'));
  const built = await makeSpace(space, task);
  for (const { genotype } of Object.values(extremes(built))) {
    const job = memberJob(
      { folder, dataset },
      {
        member: memberOf(built, genotype),
        weights,
        augment: train.augment,
        batch: 8,
        calibration: 16,
      },
    );
    const { details, accuracy, loss } = await evaluateMember({ ...job, engine: native });
    expect(details.type).toBe('detection');
    expect(accuracy).toBeGreaterThanOrEqual(0);
    expect((await evaluateMember({ ...job, engine: compiled })).loss).toBeCloseTo(loss, 4);
  }
});
