import type { RunRecord, RunState, RunStatusRecord, Store } from '../../../store/index.js';
import type { Experiment } from '../../schema.js';
import type { RunSummary } from '../data.js';

const iso = (at: number): string => new Date(at).toISOString();

/** How its trials stand, and when anything last happened to one, in ms since 1970. */
export type Standing = Pick<RunSummary, 'counts' | 'rejected'> & { readonly changedAt: number };

/** Where a run stands, from what its store says of it. */
export function summaryOf(
  { name, seed, version, threads, createdAt, experiment }: RunRecord,
  { status, message, at }: RunStatusRecord<RunState>,
  { counts, rejected, changedAt }: Standing,
): RunSummary {
  // Parsed when the run began.
  const { search, ...kind } = experiment as Experiment;
  return {
    name,
    seed,
    evaluation: 'data' in kind ? 'training' : 'table',
    status,
    message,
    startedAt: iso(createdAt),
    updatedAt: iso(Math.max(at, changedAt)),
    version,
    threads,
    planned: search.trials,
    counts,
    rejected,
  };
}

/** Where a run stands. */
export function collectRun(store: Store): RunSummary {
  const standing = { ...store.trials.totals(), counts: store.trials.progress() };
  return summaryOf(store.run.get(), store.run.state(), standing);
}
