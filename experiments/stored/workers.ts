import type { EventRecord, Store, Training } from '../../store/index.js';
import type { WorkersConfig } from '../queue/schema.js';
import type { Experiment } from '../schema/experiment.js';

/** What an event of the kind `resumed` tells of who does the work from then on; absent: the same as before. */
export interface ResumedDetail {
  readonly version: string;
  readonly workers?: WorkersConfig;
}

/** Who does the work of an experiment; runs of older versions do not say, and tables need nobody. */
export const workersIn = (experiment: Experiment): WorkersConfig =>
  'workers' in experiment ? experiment.workers : { type: 'pool' };

/** Who does the work of a run: those that were named last when it went on, or those of its experiment. */
export function workersNow(store: Store): WorkersConfig {
  const named = store.events
    .of('resumed')
    // Written when a run goes on.
    .findLast(({ detail }) => (detail as ResumedDetail).workers !== undefined)?.detail as ResumedDetail | undefined;
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

/** A training in the hands of a worker of a queue. */
export interface Assignment {
  readonly training: Training;
  /** Of a trial, its attempt; of what a whole phase is for, counted anew whenever the run goes on. From 1. */
  readonly attempt: number;
  readonly host: string;
  /** Names what decides the bits of its results. */
  readonly group: string | null;
  /** When, in ms since 1970. */
  readonly at: number;
}

/** What an event of the kind `taken` tells, besides its trial. */
interface Detail {
  readonly stage: Training['stage'];
  readonly shrunk?: number;
  readonly attempt: number;
  readonly host: string;
  readonly group?: string;
}

/** The machine of a worker, for an event; nothing of the run's own processes. */
export const hostOf = ({ host }: Worker): { readonly host?: string } => (host === undefined ? {} : { host });

/** Keeps who has taken a training; nothing where the run's own processes train. */
export function recordAssignment(
  store: Store,
  { stage, trial, shrunk }: Training,
  attempt: number,
  { host, group }: Worker,
): void {
  if (host === undefined) return;
  const whose = { ...(trial !== undefined && { trial }) };
  const detail = {
    stage,
    ...(shrunk !== undefined && { shrunk }),
    attempt,
    host,
    ...(group !== undefined && { group }),
  };
  store.events.add({ kind: 'taken', ...whose, detail });
}

/** What an event of the kind `taken` says. */
export function assignmentOf({ at, trial, detail }: EventRecord): Assignment {
  // Written by `keepTaken` only.
  const { stage, shrunk, attempt, host, group = null } = detail as Detail;
  // The stage says which numbers there are.
  const training = {
    stage,
    ...(trial !== null && { trial }),
    ...(shrunk !== undefined && { shrunk }),
  } as Training;
  return { training, attempt, host, group, at };
}

/** Who took which training of a run, in order; none where its own processes train. */
export const assignmentsOf = (store: Store): Assignment[] => store.events.of('taken').map(assignmentOf);

/** Who had each trial of the search last. */
export function hostsOfTrials(takings: readonly Assignment[]): ReadonlyMap<number, string> {
  const hosts = new Map<number, string>();
  for (const { training, host } of takings) if (training.stage === 'search') hosts.set(training.trial, host);
  return hosts;
}

/** What each machine did, the most trials first; those that had no trial in the end are there, too. */
export function hostShares(takings: readonly Assignment[]): HostShare[] {
  const trials = new Map(takings.map(({ host }) => [host, 0]));
  for (const host of hostsOfTrials(takings).values()) trials.set(host, (trials.get(host) ?? 0) + 1);
  return [...trials]
    .map(([host, count]) => ({ host, trials: count }))
    .sort((a, b) => b.trials - a.trials || (a.host < b.host ? -1 : 1));
}
