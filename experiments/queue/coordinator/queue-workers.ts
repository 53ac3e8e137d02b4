import type { CreateJobRunner } from '../../runner/jobs/local-pool.js';
import type { QueueConfig } from '../schema.js';
import { openRunner } from './open-runner.js';

/** The workers of a queue, for the jobs of a run. */
export const queueWorkers =
  (config: QueueConfig): CreateJobRunner =>
  ({ size, retries }, { plan, store, observe, stopping }) =>
    openRunner(config, {
      name: plan.experiment.name,
      workdir: plan.workdir,
      store,
      parallel: size,
      retries,
      acceptEnvironment: plan.acceptEnvironment,
      observe,
      stopping,
    });
