import { expect, it } from 'vitest';
import { JobFailed } from '../../../runner/jobs/job-runner.js';
import { LocalPool } from '../../../runner/jobs/local-pool.js';
import { describeJobRunner, type JobFixture } from './describe-job-runner.js';

let pool: LocalPool;

const pools = { create: (options) => (pool = new LocalPool(options)), workers: () => pool.pids() } satisfies Parameters<
  typeof describeJobRunner
>[1];

describeJobRunner('LocalPool', pools, (fixture: JobFixture) => {
  it('ends a job with a clear error when no process can be started, and serves the next one', async () => {
    const runner = await fixture.create({ size: 2, retries: 3, memoryBytes: 16 * 2 ** 30 });
    expect(pool.pids()).toEqual([]);
    const { execPath } = process;
    process.execPath = '/nowhere/node';
    try {
      const error: unknown = await runner.submit(fixture.quick('lost')).result.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'failure', message: expect.stringMatching(/no worker .*ENOENT/) as string });
      // Every job would fail.
      expect(error).not.toBeInstanceOf(JobFailed);
    } finally {
      process.execPath = execPath;
    }
    expect(await runner.submit(fixture.quick('next')).result).toMatchObject({ state: 'complete' });
    const [pid, ...others] = pool.pids();
    expect(others).toEqual([]);
    expect(process.kill(pid, 0)).toBe(true);
  });
});
