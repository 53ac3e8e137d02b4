import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { invalidInput } from '../base/errors.js';
import { canonicalJson } from '../base/hash.js';
import { nasVersion } from '../base/modules.js';
import type { Lock } from '../base/lock.js';
import { lockWorkdir, Store } from '../store/index.js';
import type { Experiment, StudyExperiment } from '../experiments/schema/experiment.js';
import { isStudy, isTrainingExperiment } from '../experiments/schema/run-experiment.js';
import { locatingNowhere, type LoadedExperiment } from '../experiments/parse/index.js';
import { workersGiven } from '../experiments/parse/override.js';
import type { WorkersConfig } from '../experiments/schema/workers.js';
import { beginRun, endChange, engineOf, type Following, type RunOptions } from './begin.js';
import { databasePath, defaultWorkdir, generationIn, hasRun, imagesPath } from './stored/workdir.js';
import { workersIn, workersNow, type ResumedDetail } from './stored/workers.js';
import type { RecordedEnvironment } from './engine.js';
import type { RunObserver } from './events.js';
import { withWorkers } from './draft.js';
import { execute, type RunOutcome } from './execute.js';
import { jobRunnerOf, slotsFor } from './job-runners.js';
import { environmentDifferences } from './latency/stored-latency.js';
import { imagesOf, inputChanges, requireSameInputs, storedInputs, writeImages } from './inputs.js';
import { prepareImages, preparePlan } from './prepare-plan.js';
import { environmentOf } from './provenance.js';
import { never } from './stop.js';
import { writeReport } from './report.js';
import {
  requireSame,
  storedExperiment,
  withMoreTrials,
  withPaths,
  writtenIn,
  type Moved,
} from './stored-experiment.js';

export interface ResumeOptions {
  /** Trials in all (`70`), or further ones (`+20`); also of a run that is complete. Default: as many as it has. */
  readonly trials?: string;
  /** The workers from here on: `pool`, or the address of a queue, whose other settings stay. Default: as before. */
  readonly workersAt?: string;
  /** Where the images are now (`data.path`). Default: where they were. */
  readonly data?: string;
}

/**
 * Runs an experiment from its file: a new run, or the continuation of one that the same file began in this workdir.
 * @throws NasError `invalid-input` when the workdir holds a run of another experiment; `in-use` when it is being run;
 *   all errors of `execute`.
 */
export async function runExperiment(
  loaded: LoadedExperiment,
  options: RunOptions,
  observe: RunObserver,
): Promise<RunOutcome> {
  const { fresh = false, signal = never, report } = options;
  if (isStudy(loaded.experiment))
    throw invalidInput(`${loaded.file}: its networks are evaluated elsewhere (evaluate.type: tell)`, {
      hint: `nas ask ${loaded.file} gives the first one.`,
    });
  const workdir = resolve(options.workdir ?? defaultWorkdir(loaded.experiment.name));
  endChange(workdir);
  if (hasRun(workdir) && !fresh) {
    const moved = requireSame(workdir, loaded);
    const { experiment } = loaded;
    const { workersConfig = workersIn(experiment) } = options;
    return resumeExperiment(workdir, { ...options, workersConfig, moved, log: experiment.log }, observe);
  }
  const begun = await beginRun(loaded, workdir, options, observe);
  using _ = begun.lock;
  using store = begun.store;
  const { plan } = begun;
  return await execute(plan, store, { observe, signal, workers: jobRunnerOf(plan.experiment, options), report });
}

type Log = Exclude<Experiment, StudyExperiment>['log'];

/** The experiment with another `log`; the same one when it has that. */
const withLog = (experiment: Experiment, log: Log): Experiment =>
  isStudy(experiment) || canonicalJson(experiment.log ?? null) === canonicalJson(log ?? null)
    ? experiment
    : { ...experiment, log };

type ContinueOptions = Omit<RunOptions, 'workdir' | 'fresh'> &
  ResumeOptions & {
    /** Input files that are elsewhere now. */
    readonly moved?: Moved;
    /** In place of `log` of the experiment, where it is there. */
    readonly log?: Log;
  };

/**
 * Continues the run of a workdir from where it stands; of a complete one, only the report is written again.
 * @throws NasError `invalid-input` when there is no run; `in-use` when it is being run; `inputs-changed` when images or files
 *   that it reads have another content than when it began; all errors of `execute`.
 */
export async function resumeExperiment(
  workdir: string,
  options: ContinueOptions,
  observe: RunObserver,
): Promise<RunOutcome> {
  const path = resolve(workdir);
  endChange(path);
  if (!hasRun(path)) throw invalidInput(`${workdir}: there is no run here`, { hint: 'nas run <yaml> starts one.' });
  using lock = lockWorkdir(path);
  const outcome = await continued(workdir, options, observe);
  return 'state' in outcome ? outcome : await renew(path, outcome, { ...options, lock }, observe);
}

/** Continues a run whose workdir is locked; of one whose inputs changed, what its next generation begins with. */
async function continued(
  workdir: string,
  options: ContinueOptions,
  observe: RunObserver,
): Promise<RunOutcome | RenewedRun> {
  const { acceptEnvironment = false, signal = never, workersConfig, workersAt, trials, report } = options;
  const path = resolve(workdir);
  // The stored experiment decides whether time is simulated.
  let { clock = Date.now } = options;
  using store = Store.open(databasePath(path), { clock: () => clock() });
  const isOver = store.run.status().status === 'complete' && trials === undefined;
  const complete = async (): Promise<RunOutcome> => {
    observe({ kind: 'note', message: 'This run is complete' });
    // It may have been killed after its last result and before its report.
    await writeReport(store, path, report, observe);
    return { state: 'complete', workdir: path };
  };
  if (isOver && options.acceptData !== true) return await complete();
  const record = store.run.get();
  const { threads, environment, createdAt } = record;
  const moved = { ...options.moved, ...(options.data !== undefined && { 'data.path': resolve(options.data) }) };
  const settled = storedExperiment(store, path);
  const placed = withPaths(settled, moved);
  const stored = storedInputs(record, workdir);
  const prepared = isTrainingExperiment(placed)
    ? await prepareImages(placed.data, { locating: locatingNowhere, observe, signal })
    : null;
  const images = imagesOf(prepared);
  const changes = inputChanges(placed, images, { stored, workdir: path });
  requireSameInputs(changes, workdir, options.acceptData);
  if (isOver && changes.length === 0) return await complete();
  const followed = 'log' in options ? withLog(placed, options.log) : placed;
  const asked = trials === undefined ? followed : withMoreTrials(followed, trials, store, observe);
  if (changes.length > 0) {
    const loaded = { ...writtenIn(store, path), source: record.source, experiment: asked };
    const hasResults = store.trials.progress().complete > 0;
    return {
      loaded,
      changes: changes.map(({ text }) => text),
      hasResults,
      workersConfig: workersConfig ?? workersNow(store),
    };
  }
  if (prepared !== null && !existsSync(imagesPath(path))) writeImages(imagesPath(path), images.rows);
  if (isStudy(asked)) {
    store.transaction(() => {
      if (asked !== settled) store.run.extend(asked);
      store.run.setStatus('running');
    });
    observe({ kind: 'note', message: `Programs evaluate its networks: nas ask ${workdir} gives the next one` });
    return { state: 'complete', workdir: path };
  }
  const earlier = workersNow(store);
  const kept = workersConfig ?? earlier;
  const given = workersAt === undefined ? kept : workersGiven(workersAt, kept);
  const experiment = withWorkers(asked, given);
  await slotsFor(experiment, options);
  // `environmentOf` made it when the run began.
  const before = environment as RecordedEnvironment;
  const plan = await preparePlan(experiment, {
    workdir: path,
    threads,
    fixedWorkers: true,
    isFixed: () => true,
    before,
    acceptEnvironment,
    latest: Math.max(createdAt, store.trials.totals().changedAt),
    clock,
    locating: locatingNowhere,
    observe,
    signal,
    prepared,
  });
  if (workersIn(experiment).type !== 'queue')
    noteOtherMachine(before, environmentOf(experiment, threads, engineOf(plan)), observe);
  ({ clock } = plan);
  const changed = canonicalJson(given) === canonicalJson(earlier) ? {} : { workers: given };
  const detail: ResumedDetail = { version: nasVersion(), ...changed };
  store.transaction(() => {
    // First: the time between a kill and this event is not work.
    store.events.add({ kind: 'resumed', detail });
    if (asked !== settled) store.run.extend(asked);
    store.run.setStatus('running');
  });
  return await execute(plan, store, { observe, signal, workers: jobRunnerOf(experiment, options), report });
}

/** A run whose inputs changed, as its next generation begins. */
interface RenewedRun extends Omit<Following, 'lock'> {
  readonly loaded: LoadedExperiment;
  readonly workersConfig: WorkersConfig;
}

/** Begins the next generation of a run: the same experiment on what it reads now, and the old frontier first. */
async function renew(
  workdir: string,
  { loaded, workersConfig, ...others }: RenewedRun,
  { lock, ...options }: ContinueOptions & { readonly lock: Lock },
  observe: RunObserver,
): Promise<RunOutcome> {
  const { acceptEnvironment = false, signal = never, workersAt, workers, report } = options;
  const given = workersAt === undefined ? workersConfig : workersGiven(workersAt, workersConfig);
  const following = { ...others, lock };
  const { clock = Date.now } = options;
  const begin = { acceptEnvironment, clock, signal, workersConfig: given, ...(workers && { workers }), following };
  const begun = await beginRun(loaded, workdir, begin, observe);
  using store = begun.store;
  const { plan } = begun;
  const message = `Generation ${generationIn(workdir)} of the results begins, as the inputs changed: ${others.changes.join('; ')}`;
  observe({ kind: 'note', message });
  if (plan.kind === 'study') return { state: 'complete', workdir };
  return await execute(plan, store, { observe, signal, workers: jobRunnerOf(plan.experiment, options), report });
}

/** Warns that results may differ: trainings repeat bit for bit on one machine only, counts of instructions with one compiler only. */
function noteOtherMachine(before: RecordedEnvironment, now: RecordedEnvironment, observe: RunObserver): void {
  const differences = environmentDifferences(before, now);
  if (differences === '') return;
  const message = `The run goes on in another environment (${differences}); its results may differ from there on`;
  observe({ kind: 'note', message });
}
