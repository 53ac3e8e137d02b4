import type { Experiment } from '../experiments/schema/experiment.js';
import { isOwnSupernet, isTrainingExperiment } from '../experiments/schema/run-experiment.js';
import type { QueueConfig } from '../experiments/schema/workers.js';
import type { JobRunner } from './jobs/job-runner.js';
import { LocalPool, type PoolOptions } from './jobs/local-pool.js';
import type { TrainingContext } from './plan.js';
import { workersIn } from './stored/workers.js';

/** Creates the job runner of a run; `context` is the run's. */
export type CreateJobRunner = (
  options: PoolOptions,
  context: Omit<TrainingContext, 'jobs'>,
) => JobRunner | Promise<JobRunner>;

export const localWorkers: CreateJobRunner = (options) => new LocalPool(options);

/** How the jobs of a run reach workers of other machines; `workers/` implements it. */
export interface JobQueue {
  /**
   * Checks, before a run writes anything, that the queue can be used.
   * @param modules whether its jobs run code of the user's
   * @returns slots of the queue's present workers
   * @throws NasError when it cannot be used
   */
  slots(config: QueueConfig, modules: boolean): Promise<number>;
  open(config: QueueConfig): CreateJobRunner;
}

/** The job runner of a run, or the queue that gives one. */
export interface JobRunners {
  /** Trains and measures; default: as `workers` of the experiment says. */
  readonly workers?: CreateJobRunner | undefined;
  /** The queue of an experiment with `workers: {type: queue}`; other experiments need none. */
  readonly queue?: JobQueue | undefined;
}

/** Whether the jobs of an experiment run code of the user's: the function of `evaluate`, or the space of a supernet. */
export const runsModules = (experiment: Experiment): boolean =>
  isTrainingExperiment(experiment) &&
  (experiment.evaluate !== undefined ||
    (experiment.space.type === 'module' && experiment.supernet !== undefined && isOwnSupernet(experiment.supernet)));

function queueFor(experiment: Experiment, queue: JobQueue | undefined): JobQueue {
  if (queue === undefined) throw new Error(`${experiment.name} has a queue, and the caller of the run gives none`);
  return queue;
}

export function jobRunnerOf(experiment: Experiment, { workers, queue }: JobRunners): CreateJobRunner {
  if (workers !== undefined) return workers;
  const config = workersIn(experiment);
  return config.type === 'queue' ? queueFor(experiment, queue).open(config) : localWorkers;
}

/**
 * Checks, before anything is written, that the queue of an experiment can be used.
 * @returns slots of the queue's present workers; null: there is no queue
 * @throws NasError when the queue cannot be used
 */
export async function slotsFor(experiment: Experiment, { workers, queue }: JobRunners): Promise<number | null> {
  const config = workersIn(experiment);
  if (workers !== undefined || config.type !== 'queue') return null;
  return queueFor(experiment, queue).slots(config, runsModules(experiment));
}
