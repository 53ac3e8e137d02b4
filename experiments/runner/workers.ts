import type { WorkersConfig } from '../queue/schema.js';
import { isTableExperiment } from '../kinds.js';
import type { Experiment } from '../schema.js';
import { localWorkers, type CreateJobRunner } from './jobs/local-pool.js';
import { workersIn } from './jobs/workers-now.js';

/** Whether the work of an experiment goes through a queue, to any number of machines. */
export const hasQueue = (experiment: Experiment): boolean => workersIn(experiment).type === 'queue';

/** The experiment with others to do its work; a table needs none. */
export const withWorkers = <E extends Experiment>(experiment: E, workers: WorkersConfig | undefined): E =>
  workers === undefined || isTableExperiment(experiment) ? experiment : { ...experiment, workers };

/** Who does the work, as the experiment says. What reaches a queue is loaded only for a queue. */
export function workersOf(experiment: Experiment): CreateJobRunner {
  const config = workersIn(experiment);
  if (config.type !== 'queue') return localWorkers;
  return async (options, context) => {
    const { queueWorkers } = await import('../queue/coordinator/open-runner.js');
    return queueWorkers(config)(options, context);
  };
}

/**
 * Makes sure that those are to be had who do the work, before anything is written.
 * @param given who does it instead
 * @returns slots of the workers of the queue that are there; null: there is no queue
 * @throws NasError when the queue cannot be used
 */
export async function requireWorkers(
  experiment: Experiment,
  given: CreateJobRunner | undefined,
): Promise<number | null> {
  const config = workersIn(experiment);
  if (given !== undefined || config.type !== 'queue') return null;
  const { requireQueue } = await import('../queue/coordinator/open-runner.js');
  return (await requireQueue(config)).slots;
}
