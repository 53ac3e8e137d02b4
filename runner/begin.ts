import { existsSync, rmSync } from 'node:fs';
import { nasVersion } from '../base/modules.js';
import type { Lock } from '../base/lock.js';
import { lockWorkdir, Store, type Clock } from '../store/index.js';
import type { EngineChoice } from '../trainers/index.js';
import type { LoadedExperiment } from '../experiments/parse/index.js';
import type { WorkersConfig } from '../experiments/schema/workers.js';
import { storeBudget, withinBudget } from './budget/index.js';
import { draftRun } from './draft.js';
import type { RunObserver } from './events.js';
import { writeImages } from './inputs.js';
import type { JobRunners } from './job-runners.js';
import type { Plan } from './plan.js';
import { environmentOf, requireOutside } from './provenance.js';
import type { DrawReport } from './report.js';
import { never } from './stop.js';
import { storeEarlier, storeEnqueued } from './stored/experiment.js';
import { acceptedInputs } from './stored/generation.js';
import { changeGeneration, clearRun, databasePath, generationIn, imagesPath, nextDatabase } from './stored/workdir.js';

export interface RunOptions extends JobRunners {
  /** Folder of everything that the run writes; by default `runs/<name>`. */
  readonly workdir?: string;
  readonly fresh?: boolean;
  /** Continue although latency is now measured on another device, or otherwise than before. */
  readonly acceptEnvironment?: boolean;
  /** Continue although images or other files that the run reads have changed: its next generation of results begins. */
  readonly acceptData?: boolean;
  /** The time, in ms since 1970; default: `Date.now`. A run on a table simulates its own. */
  readonly clock?: Clock;
  /** Aborted: checkpoint and stop. */
  readonly signal?: AbortSignal;
  /** Replaces `workers` of the experiment: processes of this machine, or a queue. */
  readonly workersConfig?: WorkersConfig | undefined;
  /** Draws the files that are written into the workdir when the run ends: `drawReport` of api/. Default: none. */
  readonly report?: DrawReport;
}

/** What the next generation of a run follows. */
export interface Following {
  /** The lock of the workdir, which the caller holds. */
  readonly lock: Lock;
  /** What changed in the inputs. */
  readonly changes: readonly string[];
  /** Whether there are networks to try first. */
  readonly hasResults: boolean;
}

/** A run whose database was just created, and whose workdir is locked for this process. */
export interface BegunRun<P extends Plan = Plan> {
  readonly plan: P;
  readonly store: Store;
  readonly lock: Lock;
}

/**
 * Begins a new run. Nothing is written before the file, the data, the space and the controller have proved good.
 * @throws NasError `in-use` when another process works in the workdir
 */
export async function beginRun(
  loaded: LoadedExperiment,
  workdir: string,
  options: Omit<RunOptions, 'workdir' | 'report'> & { readonly following?: Following },
  observe: RunObserver,
): Promise<BegunRun> {
  const { source, written } = loaded;
  const { following, fresh = false } = options;
  if (fresh) requireOutside(workdir, loaded.experiment);
  const generation = following === undefined ? 1 : generationIn(workdir) + 1;
  const earlier = following?.hasResults === true ? { path: workdir, name: `generation ${generation - 1}` } : undefined;
  const { clock = Date.now, signal = never } = options;
  const began = clock();
  const draft = await draftRun(loaded, { ...options, workdir, earlier }, observe);
  const { threads, start, images } = draft;
  const elapsed = (): number => (clock() - began) / 1000;
  const { plan, budget } = await withinBudget(draft.plan, { written, elapsed, observe, signal });
  const { experiment } = plan;
  const lock = following?.lock ?? lockWorkdir(workdir);
  try {
    if (fresh) clearRun(workdir);
    const environment = environmentOf(experiment, threads, engineOf(plan), images.hashes);
    const meta = {
      name: experiment.name,
      seed: experiment.seed,
      source,
      experiment,
      written,
      classes: plan.kind === 'training' ? plan.data.classes : undefined,
      task: plan.kind === 'table' ? undefined : plan.task,
      images: plan.kind === 'training' ? plan.data.counts.train : undefined,
      threads,
      version: nasVersion(),
      environment,
    };
    const create = (path: string): Store =>
      Store.create(path, meta, plan.clock, (store) => {
        if (budget !== undefined) storeBudget(store, budget);
        if (start.enqueued.length > 0) storeEnqueued(store, start.enqueued);
        for (const trials of start.earlier) storeEarlier(store, trials);
        if (following !== undefined) acceptedInputs.add(store, { generation, changes: following.changes });
      });
    const store =
      following === undefined
        ? create(databasePath(workdir))
        : nextGeneration(workdir, plan.clock, () => create(nextDatabase(workdir)).close());
    if (images.rows.length > 0) writeImages(imagesPath(workdir), images.rows);
    return { plan, store, lock };
  } catch (error) {
    if (following === undefined) lock.release();
    throw error;
  }
}

/** Puts a new database in the place of the results of a run, which stay in a folder of their generation. */
function nextGeneration(workdir: string, clock: Clock, create: () => void): Store {
  rmSync(nextDatabase(workdir), { force: true });
  create();
  changeGeneration(workdir);
  return Store.open(databasePath(workdir), { clock });
}

/** Ends the change of generations that a killed process began. */
export function endChange(workdir: string): void {
  if (!existsSync(nextDatabase(workdir))) return;
  using _ = lockWorkdir(workdir);
  if (existsSync(nextDatabase(workdir))) changeGeneration(workdir);
}

export const engineOf = (plan: Plan): EngineChoice | undefined => (plan.kind === 'training' ? plan.engine : undefined);
