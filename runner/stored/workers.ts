import type { EventRecord, Store, Training } from '../../store/index.js';
import type { WorkersConfig } from '../../experiments/schema/workers.js';
import type { Experiment } from '../../experiments/schema/experiment.js';

/** Detail of an event of the kind `resumed`. */
export interface ResumedDetail {
  readonly version: string;
  /** The workers from then on; absent: as before. */
  readonly workers?: WorkersConfig;
}

/** The workers of an experiment; runs on a table have local ones. */
export const workersIn = (experiment: Experiment): WorkersConfig =>
  'workers' in experiment ? experiment.workers : { type: 'pool' };

/** The current workers of a run: named when it was last resumed with others, or those of its experiment. */
export function workersNow(store: Store): WorkersConfig {
  const resumed = store.events.of('resumed').map(({ detail }) => detail as ResumedDetail);
  const named = resumed.findLast(({ workers }) => workers !== undefined);
  // Parsed when the run began.
  return named?.workers ?? workersIn(store.run.get().experiment as Experiment);
}

/** A machine that works for a run through a queue. */
export interface HostShare {
  readonly host: string;
  /** Trials of the search that it finished or works on. */
  readonly trials: number;
}

/** The worker of a job: its machine, where that is another one, and the group of machines that compute the same bits. */
interface Worker {
  readonly host?: string;
  readonly group?: string;
}

export interface Assignment {
  readonly training: Training;
  /** Of a trial, its attempt; of the teacher or the supernet, counted anew whenever the run resumes. From 1. */
  readonly attempt: number;
  readonly host: string;
  /** Group of machines that compute the same bits. */
  readonly group: string | null;
  /** In ms since 1970. */
  readonly at: number;
}

/** Detail of an event of the kind `taken`. */
interface AssignmentDetail {
  readonly stage: Training['stage'];
  readonly attempt: number;
  readonly host: string;
  readonly group?: string;
}

/** The machine of a worker, for an event; empty for the run's own processes. */
export const hostOf = ({ host }: Worker): { readonly host?: string } => (host === undefined ? {} : { host });

/** Stores which machine trains; stores nothing for the run's own processes. */
export function recordAssignment(
  store: Store,
  { stage, trial }: Training,
  attempt: number,
  { host, group }: Worker,
): void {
  if (host === undefined) return;
  const detail: AssignmentDetail = {
    stage,
    attempt,
    host,
    ...(group !== undefined && { group }),
  };
  store.events.add({ kind: 'taken', ...(trial !== undefined && { trial }), detail });
}

/** The assignment that an event of the kind `taken` stores. */
export function assignmentOf({ at, trial, detail }: EventRecord): Assignment {
  // Written by `recordAssignment`.
  const { stage, attempt, host, group = null } = detail as AssignmentDetail;
  // The stage says which numbers there are.
  const training = {
    stage,
    ...(trial !== null && { trial }),
  } as Training;
  return { training, attempt, host, group, at };
}

export const assignmentsOf = (store: Store): Assignment[] => store.events.of('taken').map(assignmentOf);

/** The last machine of each trial of the search. */
export function hostsOfTrials(assignments: readonly Assignment[]): ReadonlyMap<number, string> {
  const hosts = new Map<number, string>();
  for (const { training, host } of assignments) if (training.stage === 'search') hosts.set(training.trial, host);
  return hosts;
}

/** Trials by machine, the most trials first. A machine that ended without a trial counts 0. */
export function hostShares(assignments: readonly Assignment[]): HostShare[] {
  const trials = new Map(assignments.map(({ host }) => [host, 0]));
  for (const host of hostsOfTrials(assignments).values()) trials.set(host, (trials.get(host) ?? 0) + 1);
  return [...trials]
    .map(([host, count]) => ({ host, trials: count }))
    .sort((a, b) => b.trials - a.trials || (a.host < b.host ? -1 : 1));
}
