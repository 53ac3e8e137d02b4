import type { Activity, ImportanceAnswer, Pace, RunSummary } from '../api.js';
import { FrontierArchive, frontier } from '../../../search/frontier.js';
import type { Values } from '../../../search/index.js';
import type { EventKind, EventRecord, TrialRecord, Store, StoredPrecision, TrialState } from '../../../store/index.js';
import { candidatesOf } from '../../stored/candidates.js';
import { plainValues } from '../../stored/candidates.js';
import { along, factsOf, type RunFacts, summaryOf } from '../../report/run.js';
import { AtWork, recentEvents } from '../../report/activity.js';
import { LatestImportance } from './importance.js';

/** Trials whose ends tell the pace, and the fewest that do. */
const pacedBy = 20;
const fewest = 3;

const unknown: Pace = { trialsPerHour: null, etaSeconds: null };

/**
 * How fast trials end. Nothing is told of runs that stand still, nor of those in a table, whose time is simulated.
 * @param since when the run was begun or resumed, or the trial ended before those of `ends`; in ms since 1970.
 * @param ends when the latest trials ended, ascending.
 * @param now while nothing ends, the pace becomes slower.
 */
export function paceOf(
  { status, evaluation, planned, counts }: Pick<RunSummary, 'status' | 'evaluation' | 'planned' | 'counts'>,
  since: number,
  ends: readonly number[],
  now: number,
): Pace {
  const last = ends.at(-1);
  if (status !== 'running' || evaluation === 'table' || last === undefined || ends.length < fewest) return unknown;
  // The trial at work now may end any moment: only a silence that is longer than usual counts.
  const isSilent = now - last > (2 * (last - since)) / ends.length;
  const hours = ((isSilent ? now : last) - since) / 3_600_000;
  if (hours <= 0) return unknown;
  const trialsPerHour = ends.length / hours;
  const left = Math.max(0, planned - counts.complete - counts.pruned - counts.failed);
  return { trialsPerHour, etaSeconds: (3600 * left) / trialsPerHour };
}

// Not through search/index.js: that loads the controllers, and TF.js with their spaces.

/** A network of the frontier. */
export interface Member {
  readonly number: number;
  readonly precision: StoredPrecision;
  readonly state: TrialState;
  readonly values: Values;
}

/** Events that change the row of a trial in lists and its place on the frontier. */
const changing: readonly EventKind[] = [
  'asked',
  'started',
  'finished',
  'values',
  'variant-values',
  'variant-judged',
  'final-finished',
];

/** The trials that events have changed, in the order of numbers. */
export const changedBy = (events: readonly EventRecord[]): number[] =>
  [...new Set(events.flatMap(({ kind, trial }) => (trial !== null && changing.includes(kind) ? [trial] : [])))].sort(
    (a, b) => a - b,
  );

/** After so many events, all trials are looked at again instead of those that changed. */
const many = 20_000;

/**
 * What is remembered of a run between two looks at it, so that a look costs only what has happened since: its frontier, how
 * many trials are in each state, what is being done. A look opens the store, reads and closes it; whoever watches several
 * runs keeps a memory for each. A run that was begun again needs a new one.
 */
export class RunMemory {
  private seen = 0;
  private known: RunFacts | undefined;
  private readonly states: TrialState[] = [];
  private rejected = 0;
  private changedAt = 0;
  private archive = new FrontierArchive<Member>([]);
  private members: readonly Member[] = [];
  private changed = 0;
  private work: AtWork | undefined;
  private readonly latestImportance = new LatestImportance();
  /** When the run was begun or resumed, or the last trial ended before `ends`. */
  private since = 0;
  private ends: readonly number[] = [];

  /** The newest event that is taken in. */
  get cursor(): number {
    return this.seen;
  }

  /** What stays as it is; after `catchUp`. */
  get facts(): RunFacts {
    if (this.known === undefined) throw new Error('nothing was read of the run yet');
    return this.known;
  }

  /** The frontier by search values, along the second objective. */
  get frontier(): readonly Member[] {
    return this.members;
  }

  /** The event that the frontier is as it is since. */
  get frontierCursor(): number {
    return this.changed;
  }

  /**
   * Takes in what has happened. The first time all trials are read (about 0.5 s for 50,000), later those that changed; all of
   * them again when values of the frontier's members were revised.
   */
  catchUp(store: Store): void {
    store.reading(() => {
      const latest = store.events.latest();
      if (latest === this.seen && this.known !== undefined) return;
      try {
        if (this.known === undefined || latest - this.seen > many) this.readAll(store, latest);
        else this.readSince(store, latest);
      } catch (error) {
        // What was taken in halfway is no memory: the next time all is read.
        this.known = undefined;
        throw error;
      }
      this.seen = latest;
    });
  }

  /** Where the run stands, and how fast it gets on, at a moment in ms since 1970. */
  summary(store: Store, now: number): { readonly run: RunSummary; readonly pace: Pace } {
    const counts = { waiting: 0, running: 0, complete: 0, pruned: 0, failed: 0 };
    for (const state of this.states) counts[state]++;
    const { rejected, changedAt } = this;
    const run = summaryOf(this.facts.record, store.run.state(), { counts, rejected, changedAt });
    return { run, pace: paceOf(run, this.since, this.ends, now) };
  }

  /** What is being done, if the run is running. */
  activity(store: Store): readonly Activity[] {
    return this.work?.now(store) ?? [];
  }

  /** How much each decision matters, as it was computed not long ago; after `catchUp`. */
  importance(store: Store): Promise<ImportanceAnswer> {
    const complete = this.states.filter((state) => state === 'complete').length;
    return this.latestImportance.answer(store, { facts: this.facts, cursor: this.cursor, complete });
  }

  private readAll(store: Store, latest: number): void {
    const { experiment } = (this.known = factsOf(store));
    this.states.length = 0;
    this.rejected = 0;
    for (const { number, state, rejected } of store.overview.standing()) {
      this.states[number] = state;
      this.rejected += rejected;
    }
    this.readFrontier(store, latest);
    this.work = new AtWork(experiment);
    for (const event of store.events.all(latest - recentEvents)) this.work.take(event);
    const [begun] = store.events.last(['created', 'resumed'], 1);
    const ends = store.events.last(['finished'], pacedBy + 1).filter(({ seq }) => seq > begun.seq);
    this.since = ends.at(pacedBy)?.at ?? begun.at;
    this.ends = ends
      .slice(0, pacedBy)
      .map(({ at }) => at)
      .reverse();
    this.changedAt = store.events.all(latest - 1).at(-1)?.at ?? begun.at;
  }

  private readSince(store: Store, latest: number): void {
    const events = store.events.all(this.seen);
    if (events.some(({ kind }) => kind === 'extended')) this.known = factsOf(store);
    for (const event of events) {
      this.work?.take(event);
      this.pace(event);
      this.changedAt = Math.max(this.changedAt, event.at);
    }
    const trials = store.trials.some(changedBy(events));
    for (const { number, state, rejected } of trials) {
      if (!(number in this.states)) this.rejected += rejected;
      this.states[number] = state;
    }
    if (trials.some((trial) => this.isRevised(trial))) this.readFrontier(store, latest);
    else this.insert(trials, latest);
  }

  private pace({ kind, at }: EventRecord): void {
    if (kind === 'resumed') {
      this.since = at;
      this.ends = [];
    }
    if (kind !== 'finished') return;
    const ends = [...this.ends, at];
    this.since = ends.at(-pacedBy - 1) ?? this.since;
    this.ends = ends.slice(-pacedBy);
  }

  /** Whether members of the frontier are a trial's that has other values by now. */
  private isRevised(trial: TrialRecord): boolean {
    const before = this.members.filter(({ number }) => number === trial.number);
    if (before.length === 0) return false;
    const after = new Map(candidatesOf(trial).map(({ precision, values }) => [precision, values]));
    return !before.every(({ precision, values }) =>
      Object.entries(values).every(([name, value]) => after.get(precision)?.[name]?.value === value),
    );
  }

  private insert(trials: readonly TrialRecord[], latest: number): void {
    const known = new Set(this.members.map(({ number, precision }) => `${number} ${precision}`));
    let changed = false;
    for (const trial of trials) {
      for (const { precision, values } of candidatesOf(trial)) {
        const { number, state } = trial;
        if (known.has(`${number} ${precision}`)) continue;
        changed = this.archive.insert({ number, precision, state, values: plainValues(values) }) || changed;
      }
    }
    if (changed) this.settle(latest);
  }

  private readFrontier(store: Store, latest: number): void {
    const { objectives } = this.facts;
    this.archive = new FrontierArchive<Member>(objectives);
    // Of each part, few are on the frontier of the part already.
    for (const part of store.overview.completeParts())
      for (const member of frontier(part, objectives)) this.archive.insert(member);
    this.settle(latest);
  }

  private settle(latest: number): void {
    this.members = along(this.archive.members, this.facts.objectives);
    this.changed = latest;
  }
}
