import { resolve } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { canonicalJson } from '../../base/hash.js';
import { lockWorkdir, Store, type Clock } from '../../store/index.js';
import { locatingIn, locatingNowhere, type LoadedExperiment } from '../parse/index.js';
import { workersGiven } from '../parse/override.js';
import { isTableExperiment } from '../schema/run-experiment.js';
import type { WorkersConfig } from '../queue/schema.js';
import type { Experiment } from '../schema/experiment.js';
import { storeEnqueued } from '../stored/experiment.js';
import { warmStart, type WarmStartInput } from '../warm-start/index.js';
import type { EngineChoice } from '../../trainers/index.js';
import { loadController } from '../../search/index.js';
import type { RunObserver } from './events.js';
import { requireSame, storedExperiment, withMoreTrials } from './stored-experiment.js';
import type { RecordedEnvironment } from './engine.js';
import { execute, type RunOutcome } from './execute.js';
import { type CreateJobRunner, localWorkers } from './jobs/local-pool.js';
import { environmentDifferences } from './latency/measurer.js';
import { type ResumedDetail, workersIn, workersNow } from '../stored/workers.js';
import { clockOf, defaultThreads, withParallelFor, type Plan } from './plan.js';
import { preparePlan } from './prepare-plan.js';
import { environmentOf, requireSameFiles } from './provenance.js';
import { writeReport, type DrawReport } from './report.js';
import { nasVersion } from '../../base/modules.js';
import { clearRun, databasePath, defaultWorkdir, hasRun } from '../stored/workdir.js';

export interface RunOptions {
  /** Folder of everything that the run writes; by default `runs/<name>`. */
  readonly workdir?: string;
  /** Throw away an earlier run in this workdir. */
  readonly fresh?: boolean;
  /** Go on although latency is now measured on another device, or otherwise than before. */
  readonly acceptEnvironment?: boolean;
  /** Aborted: checkpoint and stop. */
  readonly signal?: AbortSignal;
  /** Who does the work instead of those of the experiment (`workers`): processes of this machine, or a queue. */
  readonly workersConfig?: WorkersConfig | undefined;
  /** What trains and measures; default: as `workers` of the experiment says. */
  readonly workers?: CreateJobRunner;
  /** What is drawn of the run and written into its workdir when it ends: `reportFiles` of `nas/ui`. Default: nothing. */
  readonly report?: DrawReport;
}

export interface ResumeOptions {
  /** Trials in all (`70`), or further ones (`+20`); also of a run that is complete. Default: as many as it has. */
  readonly trials?: string;
  /** Who does the work from here on: `pool`, or the address of a queue, whose other settings stay. Default: as before. */
  readonly workersAt?: string;
}

const never = new AbortController().signal;

/**
 * Runs an experiment from its file: a new run, or the continuation of one that the same file began in this workdir.
 * Nothing is written before the file, the data, the space and the controller have proved good.
 * @throws NasError `invalid-input` when the workdir holds a run of another experiment; `in-use` when it is being run;
 *   whatever `execute` throws.
 */
export async function runExperiment(
  loaded: LoadedExperiment,
  options: RunOptions,
  observe: RunObserver,
): Promise<RunOutcome> {
  const { source } = loaded;
  const { fresh = false, acceptEnvironment = false, signal = never, workers, report } = options;
  const workdir = resolve(options.workdir ?? defaultWorkdir(loaded.experiment.name));
  if (hasRun(workdir) && !fresh) {
    requireSame(workdir, loaded);
    // Who does the work may differ from part to part of a run.
    const { workersConfig = workersIn(loaded.experiment) } = options;
    return resumeExperiment(workdir, { ...options, workersConfig }, observe);
  }
  const locating = locatingIn(loaded);
  const isFixed = isWritten(loaded.written, 'search', 'parallel');
  const asked = withWorkers(loaded.experiment, options.workersConfig);
  const slots = await locating(['workers'], () => requireWorkers(asked, workers));
  const wanted = isFixed ? asked : withParallelFor(slots, asked);
  const threads = threadsOf(wanted);
  const began = Date.now();
  const fixedWorkers = isFixed || slots !== null;
  const when = { before: null, acceptEnvironment, time: began };
  const plan = await preparePlan(wanted, {
    workdir,
    threads,
    fixedWorkers,
    ...when,
    locating,
    observe,
    signal,
  });
  const { experiment } = plan;
  const { enqueued, notes } = await warmStart(warmStartInput(plan), locating);
  for (const message of notes) observe({ kind: 'note', message });
  const { search, objectives, seed } = experiment;
  await loadController(search, { space: plan.space, objectives, seed, enqueued });
  const lock = lockWorkdir(workdir);
  try {
    if (fresh) clearRun(workdir);
    const meta = {
      name: experiment.name,
      seed: experiment.seed,
      source,
      experiment,
      written: loaded.written,
      threads,
      version: nasVersion(),
      environment: environmentOf(experiment, threads, engineOf(plan)),
    };
    const store = Store.create(databasePath(workdir), meta, clockOf(plan));
    return await withStore(store, () => {
      if (enqueued.length > 0) storeEnqueued(store, enqueued);
      return execute(plan, store, { observe, signal, workers: workers ?? workersOf(experiment), report });
    });
  } finally {
    lock.release();
  }
}

/**
 * Continues the run of a workdir from where it stands; of a complete one, only the report is written again.
 * @throws NasError `invalid-input` when there is no run; `in-use` when it is being run; whatever `execute` throws.
 */
export async function resumeExperiment(
  workdir: string,
  options: Pick<RunOptions, 'acceptEnvironment' | 'signal' | 'workersConfig' | 'workers' | 'report'> & ResumeOptions,
  observe: RunObserver,
): Promise<RunOutcome> {
  const { acceptEnvironment = false, signal = never, workersConfig, workersAt, workers, trials, report } = options;
  const path = resolve(workdir);
  if (!hasRun(path)) throw invalidInput(`${workdir}: there is no run here`, { hint: 'nas run <yaml> starts one.' });
  const lock = lockWorkdir(path);
  try {
    // What is stored says which clock the run has.
    let clock: Clock = Date.now;
    const store = Store.open(databasePath(path), { clock: () => clock() });
    return await withStore(store, async () => {
      if (store.run.status().status === 'complete' && trials === undefined) {
        observe({ kind: 'note', message: 'This run is complete' });
        // It may have been killed after its last result and before its report.
        await writeReport(store, path, report, observe);
        return { state: 'complete', workdir: path };
      }
      const { threads, environment } = store.run.get();
      const settled = storedExperiment(store, path);
      requireSameFiles(settled, environment);
      const asked = trials === undefined ? settled : withMoreTrials(settled, trials, store, observe);
      const was = workersNow(store);
      const kept = workersConfig ?? was;
      const given = workersAt === undefined ? kept : workersGiven(workersAt, kept);
      const experiment = withWorkers(asked, given);
      await requireWorkers(experiment, workers);
      const time = latestChange(store);
      const locating = locatingNowhere;
      // What `environmentOf` gave when the run began.
      const before = environment as RecordedEnvironment;
      const fixedWorkers = true;
      const context = {
        workdir: path,
        threads,
        fixedWorkers,
        before,
        acceptEnvironment,
        time,
        locating,
        observe,
        signal,
      };
      const plan = await preparePlan(experiment, context);
      if (!hasQueue(experiment)) noteOtherMachine(before, environmentOf(experiment, threads, engineOf(plan)), observe);
      clock = clockOf(plan);
      if (asked !== settled) store.run.extend(asked);
      const others = canonicalJson(given) === canonicalJson(was) ? {} : { workers: given };
      const detail: ResumedDetail = { version: nasVersion(), ...others };
      store.events.add({ kind: 'resumed', detail });
      store.run.setStatus('running');
      return execute(plan, store, { observe, signal, workers: workers ?? workersOf(experiment), report });
    });
  } finally {
    lock.release();
  }
}

/** Tells when a run goes on elsewhere: trainings repeat bit for bit on one machine. */
function noteOtherMachine(before: RecordedEnvironment, now: RecordedEnvironment, observe: RunObserver): void {
  const differences = environmentDifferences(before, now);
  if (differences === '') return;
  const message = `The run goes on in another environment (${differences}); what it trains may differ from there on`;
  observe({ kind: 'note', message });
}

const warmStartInput = (plan: Plan): WarmStartInput => {
  const { search, objectives, seed } = plan.experiment;
  const networks = plan.kind === 'training' ? { space: plan.space, task: plan.task } : null;
  return { search, objectives, seed, space: plan.space, networks };
};

/** When anything last happened to a trial of a run, in ms since 1970. */
const latestChange = (store: Store): number => Math.max(store.run.get().createdAt, store.trials.totals().changedAt);

/** Whether an experiment's file, or what was laid over it, has a value at a key path. */
const isWritten = (written: unknown, ...path: readonly string[]): boolean =>
  path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    written,
  ) !== undefined;

const engineOf = (plan: Plan): EngineChoice | undefined => (plan.kind === 'training' ? plan.engine : undefined);

const threadsOf = (experiment: Experiment): number => (isTableExperiment(experiment) ? 1 : defaultThreads(experiment));

async function withStore<T>(store: Store, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } finally {
    store.close();
  }
}

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
