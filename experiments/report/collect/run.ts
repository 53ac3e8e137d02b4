import type { Objective } from '../../../search/index.js';
import type { Store } from '../../../store/index.js';
import { isTableExperiment, type Experiment } from '../../schema.js';
import type { RunSummary } from '../data.js';

/** The experiment of a run, as it was parsed when the run began. */
export const experimentOf = (store: Store): Experiment => store.run.get().experiment as Experiment;

export const objectivesOf = (store: Store): readonly Objective[] => experimentOf(store).objectives;

const iso = (at: number): string => new Date(at).toISOString();

/** Where a run stands. */
export function collectRun(store: Store): RunSummary {
  const { name, seed, version, threads, createdAt } = store.run.get();
  const { status, message, at } = store.run.status();
  const experiment = experimentOf(store);
  const trials = store.trials.all();
  const updatedAt = trials.reduce(
    (latest, { finishedAt, startedAt, askedAt }) => Math.max(latest, finishedAt ?? startedAt ?? askedAt),
    at,
  );
  return {
    name,
    seed,
    evaluation: isTableExperiment(experiment) ? 'table' : 'training',
    status,
    message,
    startedAt: iso(createdAt),
    updatedAt: iso(updatedAt),
    version,
    threads,
    planned: experiment.search.trials,
    counts: store.trials.progress(),
    rejected: trials.reduce((sum, { rejected }) => sum + rejected, 0),
  };
}
