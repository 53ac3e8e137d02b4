import type { Objective } from '../../../search/index.js';
import type { Store } from '../../../store/index.js';
import type { Experiment } from '../../schema.js';
import type { RunSummary } from '../data.js';

/** The experiment of a run, as it was parsed when the run began. */
export const experimentOf = (store: Store): Experiment => store.run.get().experiment as Experiment;

export const objectivesOf = (store: Store): readonly Objective[] => experimentOf(store).objectives;

const iso = (at: number): string => new Date(at).toISOString();

/** Where a run stands. */
export function collectRun(store: Store): RunSummary {
  const { name, seed, version, threads, createdAt } = store.run.get();
  const { status, message, at } = store.run.state();
  const experiment = experimentOf(store);
  const { rejected, changedAt } = store.trials.totals();
  return {
    name,
    seed,
    evaluation: 'data' in experiment ? 'training' : 'table',
    status,
    message,
    startedAt: iso(createdAt),
    updatedAt: iso(Math.max(at, changedAt)),
    version,
    threads,
    planned: experiment.search.trials,
    counts: store.trials.progress(),
    rejected,
  };
}
