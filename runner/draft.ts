import { locatingIn, type LoadedExperiment } from '../experiments/parse/index.js';
import { isWritten } from '../experiments/parse/override.js';
import type { Experiment } from '../experiments/schema/experiment.js';
import { isTrainingExperiment } from '../experiments/schema/run-experiment.js';
import type { WorkersConfig } from '../experiments/schema/workers.js';
import type { Clock } from '../store/index.js';
import { fixedIn } from './default-augment.js';
import type { RunObserver } from './events.js';
import { imagesOf, type RunImages } from './inputs.js';
import { slotsFor, type JobRunners } from './job-runners.js';
import { defaultThreads, withParallelFor, type Plan } from './plan.js';
import { preparePlan } from './prepare-plan.js';
import { startOfSearch } from './start-checks.js';
import { never } from './stop.js';
import type { WarmStart, WarmStartInput } from './warm-start/index.js';

export interface DraftOptions extends JobRunners {
  readonly workdir: string;
  readonly acceptEnvironment?: boolean;
  readonly workersConfig?: WorkersConfig | undefined;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  /** As of `WarmStartInput`. */
  readonly earlier?: WarmStartInput['earlier'];
}

/** A new run before anything of it is stored. */
export interface DraftRun {
  readonly plan: Plan;
  /** Threads of each training worker. */
  readonly threads: number;
  readonly images: RunImages;
  /** What it tries first and learns from. */
  readonly start: WarmStart;
}

/**
 * Makes all checks of a new run: its queue, engine, devices, data, space, supernet, teacher, weights and controller. It writes
 * nothing but the caches of the images. `nas run` begins with it, and `nas validate` is it.
 * @throws NasError for what a run cannot begin with
 */
export async function draftRun(
  loaded: LoadedExperiment,
  options: DraftOptions,
  observe: RunObserver,
): Promise<DraftRun> {
  const { written } = loaded;
  const { workdir, acceptEnvironment = false, signal = never, clock = Date.now, earlier } = options;
  const locating = locatingIn(loaded);
  const isFixed = isWritten(written, 'search', 'parallel');
  const asked = withWorkers(loaded.experiment, options.workersConfig);
  const slots = await locating(['workers'], () => slotsFor(asked, options));
  const wanted = isFixed ? asked : withParallelFor(slots, asked);
  const threads = isTrainingExperiment(wanted) ? defaultThreads(wanted) : 1;
  const plan = await preparePlan(wanted, {
    workdir,
    threads,
    fixedWorkers: isFixed || slots !== null,
    isFixed: fixedIn(written),
    before: null,
    acceptEnvironment,
    clock,
    locating,
    observe,
    signal,
  });
  const { experiment, space } = plan;
  const { search, objectives, seed } = experiment;
  const networks = plan.kind === 'table' ? null : { space: plan.space, task: plan.task };
  const start = await startOfSearch({ search, objectives, seed, space, networks, earlier }, locating);
  for (const message of start.notes) observe({ kind: 'note', message });
  return { plan, threads, start, images: imagesOf(plan.kind === 'training' ? plan.dataset : null) };
}

/** An experiment with other workers; undefined: with its own. */
export const withWorkers = <E extends Experiment>(experiment: E, workers: WorkersConfig | undefined): E =>
  workers === undefined || !isTrainingExperiment(experiment) ? experiment : { ...experiment, workers };
