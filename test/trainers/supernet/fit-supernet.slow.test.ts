import * as ort from 'onnxruntime-node';
import { expect, test, vi } from 'vitest';
import { extremes, memberOf } from '../../../spaces/index.js';
import {
  engineSchema,
  evaluateMember,
  prepareTeacher,
  supernetConfig,
  supernetSchema,
  teacherSchema,
  trainSchema,
  type SupernetJob,
} from '../../../trainers/index.js';
import { auto, compiled, sharedWorkbench, quiet } from '../support/tiny-training.js';
import { complete, configOf, expectAlike, memberJob, supernetJob } from './jobs.js';
import { makeSpace, tinySpace } from './spaces.js';

const bench = sharedWorkbench([8]);

test('a supernet keeps one program open for each member of a step, besides update and evaluation', async () => {
  let [open, most] = [0, 0];
  const create = ort.InferenceSession.create.bind(ort.InferenceSession) as (
    ...given: unknown[]
  ) => Promise<ort.InferenceSession>;
  const spy = vi.spyOn(ort.InferenceSession, 'create').mockImplementation(async (...given: unknown[]) => {
    const session = await create(...given);
    most = Math.max(most, ++open);
    const release = session.release.bind(session);
    session.release = () => {
      open--;
      return release();
    };
    return session;
  });
  try {
    await complete(supernetJob(bench, 'sessions', { engine: compiled, config: configOf({ networks: 3, hold: 2 }) }));
    expect(spy.mock.calls.length).toBeGreaterThan(12);
    expect(most).toBe(3 + 2 + 2);
    expect(open).toBe(0);
  } finally {
    spy.mockRestore();
  }
});

test('members of a trained supernet classify well after calibration', async () => {
  const config = configOf({ epochs: 24, hold: 16, ema: 0, calibration: 96 });
  const { weights, accuracy } = await complete(supernetJob(bench, 'learns', { space: tinySpace, config }));
  expect(accuracy).toBeGreaterThan(0.5);
  const space = await makeSpace(tinySpace);
  const { smallest, largest } = extremes(space);
  for (const { genotype } of [smallest, largest]) {
    const result = await evaluateMember(memberJob(bench, { member: memberOf(space, genotype), weights }));
    expect(result.accuracy).toBeGreaterThan(0.35);
  }
});

test('a supernet trains the same on all engines, up to rounding, with every option of a training', async () => {
  const train = trainSchema.parse({
    epochs: 1,
    batch: 16,
    augment: ['flip', { type: 'crop', pixels: 1 }, { type: 'cutout', size: 2 }, { type: 'mixup', alpha: 0.4 }],
    optimizer: { type: 'adamw', learning_rate: 0.01 },
    loss: { type: 'kd', label_smoothing: 0.1 },
    ema: 0.9,
  });
  const options = { dataset: bench.dataset, train, seed: 11, engine: auto, threads: 1, cache: bench.folder };
  const of = teacherSchema.parse({ type: 'train', network: 'resnet', width: 0.25, epochs: 1, batch: 32 });
  const teacher = await prepareTeacher(of, options);
  const config = supernetConfig(train, supernetSchema.parse({ epochs: 1, networks: 1, hold: 4 }));
  const job = (name: string, own: Partial<SupernetJob>) =>
    complete(supernetJob(bench, name, { config, teacher, ...own }));
  const result = await job('all', {});
  const notes: string[] = [];
  const native = supernetJob(bench, 'all-native', { config, teacher, engine: engineSchema.parse({ type: 'native' }) });
  expectAlike(await complete(native, quiet({ onNote: (note) => notes.push(note) })), result, 1e-3);
  // It did not fall back.
  expect(notes).toEqual([]);
});
