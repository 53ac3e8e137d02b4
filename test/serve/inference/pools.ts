import { onTestFinished } from 'vitest';
import { openPool } from '../../../serve/inference/open-pool.js';
import type { InferencePool, PoolOptions, RunOptions } from '../../../serve/inference/pool.js';

export async function testPool(options: Pick<PoolOptions, 'frontier'> & Partial<PoolOptions>): Promise<InferencePool> {
  const pool = await openPool({ workers: 'inline', maxQueue: 10_000, maxBatch: 8, ...options });
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
