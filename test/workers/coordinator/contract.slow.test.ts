import { afterAll, beforeAll } from 'vitest';
import type { JobRunner } from '../../../runner/jobs/job-runner.js';
import type { PoolOptions } from '../../../runner/jobs/local-pool.js';
import { describeWithValkey, startValkey, type Valkey } from '../../support/valkey.js';
import { describeHangingWorkers, describeJobRunner } from '../../runner/jobs/describe-job-runner.js';
import { workerOf } from '../worker/stand.js';
import { jobProcesses, QueuedRun } from './queued.js';
import { cachedFolder } from '../../runner/experiment.js';

describeWithValkey('a job runner on a queue', () => {
  let valkey: Valkey;
  cachedFolder();
  beforeAll(async () => (valkey = await startValkey()));
  afterAll(() => valkey.stop());

  const create = async ({ size, retries }: PoolOptions): Promise<JobRunner> => {
    const working = await workerOf(valkey, { slots: size });
    const runner = await new QueuedRun(valkey).open({ parallel: size, retries });
    return {
      submit: (order, listener) => runner.submit(order, listener),
      stop: () => runner.stop(),
      close: async () => {
        await runner.close();
        // The next measurement would wait for a killed one.
        await working.stop();
      },
    };
  };
  for (const contract of [describeJobRunner, describeHangingWorkers])
    contract('RemoteRunner', { create, workers: jobProcesses });
});
