import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { JobFailed } from '../../../../experiments/runner/jobs/job-runner.js';
import { LocalPool } from '../../../../experiments/runner/jobs/local-pool.js';
import { describeJobRunner, type JobFixture } from './describe-job-runner.js';

/** The process ids of this process's workers. */
const workers = (): number[] =>
  execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('worker-main'))
    .map((line) => Number.parseInt(line, 10));

describeJobRunner('LocalPool', { create: (options) => new LocalPool(options), workers }, (fixture: JobFixture) => {
  it('ends a job with a clear error when no process can be started, and serves the next one', async () => {
    const runner = fixture.create({ size: 1, retries: 3 });
    const { execPath } = process;
    process.execPath = '/nowhere/node';
    try {
      const error: unknown = await runner.submit(fixture.proxies('lost')).result.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'failure', message: expect.stringMatching(/no worker .*ENOENT/) as string });
      // No trial is to blame.
      expect(error).not.toBeInstanceOf(JobFailed);
    } finally {
      process.execPath = execPath;
    }
    expect(await runner.submit(fixture.proxies('next')).result).toHaveLength(1);
  });
});
