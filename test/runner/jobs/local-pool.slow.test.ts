import { expect, it } from 'vitest';
import { WorkerDied } from '../../../runner/jobs/job-runner.js';
import { LocalPool } from '../../../runner/jobs/local-pool.js';
import { describeHangingWorkers, manyEpochs, type JobRunnerUnderTest } from './describe-job-runner.js';

let pool: LocalPool;

const pools: JobRunnerUnderTest = {
  create: (options) => (pool = new LocalPool(options)),
  workers: () => pool.pids(),
};

describeHangingWorkers('LocalPool', pools, (fixture) => {
  it('ends a process that holds more memory than a job may, and tries once more', async () => {
    const runner = await fixture.create({ size: 1, retries: 1, memoryBytes: 48 * 2 ** 20 });
    const reasons: string[] = [];
    const started: (readonly number[])[] = [];
    const large = runner.submit(fixture.training('large', manyEpochs), {
      started: () => setImmediate(() => started.push(pool.pids())),
      retry: (_attempt, _attempts, reason) => reasons.push(reason),
    });
    const error: unknown = await large.result.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WorkerDied);
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /^the worker process used \S+ MiB of memory of the 48 MiB that a job may use, and was ended \(Set a smaller batch/,
      ) as string,
    });
    expect(reasons).toHaveLength(1);
    // Each attempt had a process of its own, which is gone.
    expect(new Set(started.flat()).size).toBe(2);
    expect(pool.pids()).toEqual([]);
  });
});
