import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { extremes, memberOf } from '../../../spaces/index.js';
import { evaluateMember } from '../../../trainers/index.js';
import { openWorkbench, type Workbench } from '../support/tiny-training.js';
import { complete, configOf, memberJob, supernetJob } from './jobs.js';
import { makeSpace, tinySpace } from './spaces.js';

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

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
    await complete(supernetJob(bench, 'sessions', { config: configOf({ networks: 3, hold: 2 }) }));
    expect(spy.mock.calls.length).toBeGreaterThan(12);
    expect(most).toBe(3 + 2 + 2);
    expect(open).toBe(0);
  } finally {
    spy.mockRestore();
  }
});

test('members of a trained supernet classify well after calibration', async () => {
  const config = configOf({ epochs: 16, hold: 16, ema: 0, calibration: 96 });
  const { weights, accuracy } = await complete(supernetJob(bench, 'learns', { space: tinySpace, config }));
  expect(accuracy).toBeGreaterThan(0.5);
  const space = await makeSpace(tinySpace);
  const { smallest, largest } = extremes(space);
  for (const { genotype } of [smallest, largest]) {
    const result = await evaluateMember(memberJob(bench, { member: memberOf(space, genotype), weights }));
    expect(result.accuracy).toBeGreaterThan(0.35);
  }
}, 120_000);
