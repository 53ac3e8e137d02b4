import { onTestFinished } from 'vitest';
import { openPool } from '../../../serve/inference/open-pool.js';
import type { BatchTimes, InferencePool, PoolOptions, RunOptions } from '../../../serve/inference/pool.js';
import type { Frontier } from '../../../serve/models/model.js';

/** Batch times of all models in ms, by batch size 1, 2, 4, ...: nothing is measured. */
export const said = ({ models }: Frontier, times: readonly number[]): Map<string, BatchTimes> =>
  new Map(models.map(({ sha256 }) => [sha256, new Map(times.map((ms, i) => [2 ** i, ms]))]));

/** A pool that measures nothing unless `known` is empty. */
export async function testPool(options: Pick<PoolOptions, 'frontier'> & Partial<PoolOptions>): Promise<InferencePool> {
  const known = said(options.frontier, [1, 1.1, 1.2, 1.3]);
  const pool = await openPool({ workers: 'inline', maxQueue: 10_000, maxBatch: 8, known, ...options });
  onTestFinished(() => pool.close());
  return pool;
}

/** Options of a request without a deadline whose client waits. */
export const patient = (options: Partial<RunOptions> = {}): RunOptions => ({
  deadline: performance.now() + 60_000,
  only: null,
  isGone: () => false,
  client: 'test',
  ...options,
});
