import { expect, test } from 'vitest';
import { blockedSupport } from '../../compiler/index.js';
import { timeTraining } from '../../bench/train/timing.js';
import { tinyStudent } from '../trainers/support/networks.js';

test('a training without internal operators has none in its program', async () => {
  const timed = { name: 'tiny', batch: 4, network: tinyStudent() };
  // ONNX Runtime's optimiser may add blocked operators of its own, under other names.
  const own = /(^|\/)Blocked/;
  const reorders = async (blocked: boolean): Promise<number> => {
    const job = { timed, engine: 'compiled', provider: 'cpu', threads: 1, steps: 2, warmup: 1, blocked } as const;
    const { profile } = await timeTraining({ ...job, profile: true, evaluation: false });
    return profile?.filter(({ name }) => own.test(name)).length ?? NaN;
  };
  expect(await reorders(false)).toBe(0);
  if ((await blockedSupport()) !== null) expect(await reorders(true)).toBeGreaterThan(0);
});
