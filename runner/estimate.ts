import { tmpdir } from 'node:os';
import { locatingIn, type LoadedExperiment } from '../experiments/parse/index.js';
import { isTrainingExperiment } from '../experiments/schema/run-experiment.js';
import { inPool, measure, type Sample } from './budget/measure.js';
import { frontierOf } from './budget/plan.js';
import { settleBudget, type SettledBudget } from './budget/settle.js';
import { fixedIn } from './default-augment.js';
import type { RunObserver } from './events.js';
import type { JobRunner } from './jobs/job-runner.js';
import { defaultThreads, type TrainingPlan } from './plan.js';
import { preparePlan } from './prepare-plan.js';

/** Seconds of the parts of a run on this machine. */
export interface RunEstimate {
  /** The trainings, counts of instructions and latency measurements of all trials. */
  readonly search: number;
  /** The final trainings and measurements. */
  readonly final: number;
  /** Number of networks on the frontier that the estimate assumes. */
  readonly frontier: number;
  /** What was trained to measure it. */
  readonly sample: Sample;
}

export interface EstimateOptions {
  readonly observe: RunObserver;
  readonly signal: AbortSignal;
  /** Default: 6 networks, 3 s each. */
  readonly sample?: Sample;
  /** Default: processes of this machine. */
  readonly workers?: (size: number) => JobRunner;
}

/**
 * Estimates the time of a run on its images, with its engine and number of workers. The run reuses the images that this converts.
 * @throws NasError as `runExperiment` for an experiment that cannot begin; `interrupted` when the signal is aborted
 */
export async function estimateRun(loaded: LoadedExperiment, options: EstimateOptions): Promise<RunEstimate | null> {
  const { signal, workers, sample = { networks: 6, seconds: 3 } } = options;
  const plan = await plannedRun(loaded, options);
  return plan === null ? null : inPool(plan, signal, (own, jobs) => estimate(own, jobs, sample), workers);
}

/**
 * What a run with a budget would begin with, on this machine.
 * @throws NasError as `estimateRun`; `invalid-input` where the budget is too short
 */
export async function planBudget(
  loaded: LoadedExperiment,
  minutes: number,
  options: EstimateOptions,
): Promise<SettledBudget> {
  const began = performance.now();
  const plan = await plannedRun(loaded, options);
  if (plan === null) throw new Error('only runs that train have a budget');
  const elapsed = (): number => (performance.now() - began) / 1000;
  return settleBudget(plan, { ...options, minutes, written: loaded.written, elapsed });
}

async function plannedRun(
  loaded: LoadedExperiment,
  { observe, signal }: EstimateOptions,
): Promise<TrainingPlan | null> {
  const { experiment } = loaded;
  if (!isTrainingExperiment(experiment)) return null;
  const plan = await preparePlan(experiment, {
    workdir: tmpdir(),
    threads: defaultThreads(experiment),
    fixedWorkers: false,
    isFixed: fixedIn(loaded.written),
    before: null,
    acceptEnvironment: false,
    locating: locatingIn(loaded),
    observe,
    signal,
  });
  return plan.kind === 'training' ? plan : null;
}

async function estimate(plan: TrainingPlan, jobs: JobRunner, sample: Sample): Promise<RunEstimate> {
  const { training, latency, counting } = await measure(plan, jobs, sample);
  const { search, train, final } = plan.experiment;
  const together = Math.min(search.parallel, search.trials);
  const frontier = frontierOf(search.trials);
  const trainings = frontier * (1 + (plan.folds ?? 0));
  const calibration = plan.experiment.latency.calibration;
  return {
    search: (search.trials * (training(train) + counting)) / together + (search.trials + calibration) * latency,
    final:
      final === null ? 0 : (trainings * training(final)) / Math.min(search.parallel, trainings) + frontier * latency,
    frontier,
    sample,
  };
}
