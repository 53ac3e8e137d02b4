import { resolve } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { canonicalJson } from '../../base/hash.js';
import { describeEnvironment } from '../../latency-models/index.js';
import { lockWorkdir, Store, type RunRecord } from '../../store/index.js';
import { describeDataset, prepareDataset, type DataConfig, type DatasetRef } from '../../trainers/index.js';
import { locate, type LoadedExperiment } from '../parse/index.js';
import type { Experiment } from '../schema.js';
import type { RunObserver } from './events.js';
import { execute, report, type RunOutcome } from './execute.js';
import { defaultThreads, makePlan, type Plan } from './plan.js';
import { nasVersion } from './version.js';
import { clearRun, databasePath, hasRun } from './workdir.js';

export interface RunOptions {
  /** Folder of everything that the run writes; by default `runs/<name>`. */
  readonly workdir?: string;
  /** Throw away an earlier run in this workdir. */
  readonly fresh?: boolean;
  /** Aborted: checkpoint and stop. */
  readonly signal?: AbortSignal;
}

const never = new AbortController().signal;

/**
 * Runs an experiment from its file: a new run, or the continuation of one that the same file began in this workdir.
 * Nothing is written before the file, the data and the space have proved good.
 * @throws NasError `invalid-input` when the workdir holds a run of another experiment; `in-use` when it is being run;
 *   whatever `execute` throws.
 */
export async function runExperiment(
  loaded: LoadedExperiment,
  options: RunOptions,
  observe: RunObserver,
): Promise<RunOutcome> {
  const { experiment, source } = loaded;
  const { fresh = false, signal = never } = options;
  const workdir = resolve(options.workdir ?? `runs/${experiment.name}`);
  if (hasRun(workdir) && !fresh) {
    requireSame(workdir, experiment);
    return resumeExperiment(workdir, options, observe);
  }
  const dataset = await locating(loaded, ['data'], () => prepareData(experiment.data, observe, signal));
  for (const [key, batch] of batches(experiment))
    await locating(loaded, [key, 'batch'], () => checkBatch(batch, dataset));
  const threads = defaultThreads(experiment);
  const plan = await locating(loaded, ['space'], () => makePlan({ experiment, workdir, dataset, threads }));
  const lock = lockWorkdir(workdir);
  try {
    if (fresh) clearRun(workdir);
    const meta = {
      name: experiment.name,
      seed: experiment.seed,
      source,
      experiment,
      threads,
      version: nasVersion(),
      environment: describeEnvironment('training', {
        provider: experiment.engine.provider,
        threads,
        batch: experiment.train.batch,
      }),
    };
    return await withStore(Store.create(databasePath(workdir), meta), (store) => execute(plan, store, observe, signal));
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
  options: Pick<RunOptions, 'signal'>,
  observe: RunObserver,
): Promise<RunOutcome> {
  const { signal = never } = options;
  const path = resolve(workdir);
  if (!hasRun(path)) throw invalidInput(`${workdir}: there is no run here`, { hint: 'nas run <yaml> starts one.' });
  const lock = lockWorkdir(path);
  try {
    return await withStore(Store.open(databasePath(path)), async (store) => {
      if (store.run.status().status === 'complete') {
        observe({ kind: 'note', message: 'This run is complete' });
        // It may have been killed after its last result and before its report.
        await report(store, path, observe);
        return { state: 'complete', workdir: path };
      }
      const run = store.run.get();
      const plan = await storedPlan(run, path, observe, signal);
      store.events.add({ kind: 'resumed', detail: { version: nasVersion() } });
      store.run.setStatus('running');
      return execute(plan, store, observe, signal);
    });
  } finally {
    lock.release();
  }
}

async function storedPlan(run: RunRecord, workdir: string, observe: RunObserver, signal: AbortSignal): Promise<Plan> {
  // Written by `runExperiment`, which had it from the schema.
  const experiment = run.experiment as Experiment;
  const dataset = await prepareData(experiment.data, observe, signal);
  return makePlan({ experiment, workdir, dataset, threads: run.threads });
}

/** The batches of everything that will be trained, by the part of the file that says them. */
const batches = ({ train, teacher, final }: Experiment): (readonly [key: string, batch: number])[] => [
  ['train', train.batch],
  ...(teacher.type === 'train' ? [['teacher', teacher.batch] as const] : []),
  ...(final === null ? [] : [['final', final.batch] as const]),
];

/** @throws NasError when there are fewer training images than one step takes. */
function checkBatch(batch: number, dataset: DatasetRef): void {
  const { train } = describeDataset(dataset).counts;
  if (batch > train)
    throw invalidInput(`a batch of ${batch} images is more than the ${train} images to train with`, {
      hint: 'Set a smaller batch, or a larger data.subset.',
    });
}

function prepareData(config: DataConfig, observe: RunObserver, signal: AbortSignal): Promise<DatasetRef> {
  let announced = false;
  return prepareDataset(config, {
    signal,
    onProgress: (done, total) => {
      if (!announced)
        observe({ kind: 'phase', name: 'data', message: `Converting ${config.type} (once; later runs use the cache)` });
      announced = true;
      observe({ kind: 'progress', phase: 'data', done, total, unit: 'images' });
    },
  });
}

/** @throws NasError when the workdir's run was begun with another experiment. */
function requireSame(workdir: string, experiment: Experiment): void {
  const store = Store.open(databasePath(workdir), { readonly: true });
  try {
    const stored = store.run.get().experiment as Record<string, unknown>;
    const given = experiment as Record<string, unknown>;
    const differing = [...new Set([...Object.keys(stored), ...Object.keys(given)])].filter(
      (key) => canonicalJson(stored[key] ?? null) !== canonicalJson(given[key] ?? null),
    );
    if (differing.length === 0) return;
    throw invalidInput(`${workdir} holds a run of another experiment (it differs in ${differing.join(', ')})`, {
      hint: 'Choose another folder with --workdir, continue the old run with nas resume, or throw it away with --fresh.',
    });
  } finally {
    store.close();
  }
}

async function withStore<T>(store: Store, task: (store: Store) => Promise<T>): Promise<T> {
  try {
    return await task(store);
  } finally {
    store.close();
  }
}

async function locating<T>(loaded: LoadedExperiment, path: string[], task: () => Promise<T> | T): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw locate(loaded, path, error);
  }
}
