import { afterAll, beforeAll, vi } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobRunner } from '../../../runner/jobs/job-runner.js';
import type { PoolOptions } from '../../../runner/jobs/local-pool.js';
import { describeWithValkey, startValkey, type Valkey } from '../../support/valkey.js';
import { describeHangingWorkers, describeJobRunner } from '../../runner/jobs/describe-job-runner.js';
import { workerOf } from '../worker/stand.js';
import { jobProcesses, QueuedRun } from './queued.js';

describeWithValkey('a job runner on a queue', () => {
  let valkey: Valkey;
  let cache: string;
  beforeAll(async () => {
    cache = mkdtempSync(join(tmpdir(), 'nas-cache-'));
    vi.stubEnv('NAS_CACHE', cache);
    valkey = await startValkey();
  });
  afterAll(async () => {
    await valkey.stop();
    vi.unstubAllEnvs();
    rmSync(cache, { recursive: true, force: true });
  });

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
