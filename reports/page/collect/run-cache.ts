import { isDeepStrictEqual } from 'node:util';
import { FrontierArchive, frontier } from '../../../search/frontier.js';
import type { EventKind, EventRecord, TrialRecord, Store, StoredPrecision, TrialState } from '../../../store/index.js';
import { ActivityTracker, recentEvents } from '../../read-model/activity.js';
import { RunEvidence } from '../../read-model/evidence.js';
import { contenders, type Estimated, rivalsOf } from '../../read-model/rivals.js';
import { sortFrontier, factsOf, runNote, type RunFacts, summaryOf } from '../../read-model/run.js';
import { type Notes, notesSize, readNotes } from '../../../runner/stored/notes.js';
import { candidatesOf, plainValues } from '../../../runner/stored/candidates.js';
import type { Activity, ImportanceAnswer, Pace, RunSummary } from '../api.js';
import { ImportanceCache } from './importance.js';

/** The pace is computed from the last 20 ended trials, and is unknown with fewer than 3. */
const paceWindow = 20;
const minEnded = 3;

const unknown: Pace = { trialsPerHour: null, etaSeconds: null };

/**
 * Pace of a running run; unknown for tables, whose time is simulated.
 * @param since start or resumption of the run, or the end of the trial before `ends`; ms since 1970
 * @param ends when the latest trials ended, ascending
 * @param now the pace falls while no trial ends
 */
export function paceOf(
  { status, evaluation, planned, counts }: Pick<RunSummary, 'status' | 'evaluation' | 'planned' | 'counts'>,
  since: number,
  ends: readonly number[],
  now: number,
): Pace {
  const last = ends.at(-1);
  if (status !== 'running' || evaluation !== 'training' || last === undefined || ends.length < minEnded) return unknown;
  // The current trial may end any moment: only a pause of twice the usual length counts.
  const isPaused = now - last > (2 * (last - since)) / ends.length;
  const hours = ((isPaused ? now : last) - since) / 3_600_000;
  if (hours <= 0) return unknown;
  const trialsPerHour = ends.length / hours;
  const remaining = Math.max(0, planned - counts.complete - counts.pruned - counts.failed);
  return { trialsPerHour, etaSeconds: (3600 * remaining) / trialsPerHour };
}

export interface Member extends Estimated {
  readonly precision: StoredPrecision;
  readonly state: TrialState;
}

/** Events that change a trial's row or its place on the frontier. */
const changing: readonly EventKind[] = [
  'asked',
  'started',
  'finished',
  'values',
  'variant-values',
  'variant-judged',
  'final-finished',
  'fold-finished',
];

/** Numbers of the trials that events have changed, ascending. */
export const changedBy = (events: readonly EventRecord[]): number[] =>
  [...new Set(events.flatMap(({ kind, trial }) => (trial !== null && changing.includes(kind) ? [trial] : [])))].sort(
    (a, b) => a - b,
  );

/** With more new events than this, all trials are read again. */
const maxNewEvents = 20_000;

/**
 * Incremental state of a watched run: frontier, trial states, work in progress. An update reads only new events. Each run
 * needs a cache of its own, and a new one after `--fresh`.
 */
export class RunCache {
  private latestEvent = 0;
  private knownFacts: RunFacts | undefined;
  private readonly states: TrialState[] = [];
  private rejected = 0;
  private changedAt = 0;
  private archive = new FrontierArchive<Member>([]);
  /** Complete candidates that may be on the frontier, members among them. */
  private candidates: readonly Member[] = [];
  private evidence: RunEvidence | undefined;
  private members: readonly (Member & { readonly rivals: readonly number[] })[] = [];
  private changedCursor = 0;
  private tracker: ActivityTracker | undefined;
  private readonly importanceCache = new ImportanceCache();
  private knownNotes: Notes = { notes: [], damaged: 0, size: 0 };
  /** `since` and `ends` of `paceOf`. */
  private since = 0;
  private ends: readonly number[] = [];

  get cursor(): number {
    return this.latestEvent;
  }

  /** Requires an `update` before. */
  get facts(): RunFacts {
    if (this.knownFacts === undefined) throw new Error('update() was not called yet');
    return this.knownFacts;
  }

  /** Frontier by search values, ordered by the second objective, with the rivals of each member. */
  get frontier(): RunCache['members'] {
    return this.members;
  }

  get frontierCursor(): number {
    return this.changedCursor;
  }

  /**
   * Applies new events. The first call reads all trials (about 0.5 s for 50,000), later calls read changed trials. A revision
   * of frontier members rebuilds the frontier.
   */
  update(store: Store): void {
    store.reading(() => {
      const latest = store.events.latest();
      if (latest === this.latestEvent && this.knownFacts !== undefined) return;
      try {
        if (this.knownFacts === undefined || latest - this.latestEvent > maxNewEvents) this.readAll(store, latest);
        else this.readNewEvents(store, latest);
      } catch (error) {
        // A half-applied update is unusable: the next one reads everything.
        this.knownFacts = undefined;
        throw error;
      }
      this.latestEvent = latest;
    });
  }

  /** Status and pace of the run. @param now ms since 1970 */
  summary(store: Store, now: number): { readonly run: RunSummary; readonly pace: Pace } {
    const counts = { waiting: 0, running: 0, complete: 0, pruned: 0, failed: 0 };
    for (const state of this.states) counts[state]++;
    const { rejected, changedAt } = this;
    const summary = summaryOf(this.facts.record, store.run.state(), { counts, rejected, changedAt });
    const run = { ...summary, ...runNote(this.notes(store).notes.at(0)) };
    return { run, pace: paceOf(run, this.since, this.ends, now) };
  }

  /** Notes and tags, read again when their file has grown. */
  notes({ directory }: Store): Notes {
    if (notesSize(directory) !== this.knownNotes.size) this.knownNotes = readNotes(directory);
    return this.knownNotes;
  }

  /** Work in progress; empty unless the run is running. */
  activity(store: Store): readonly Activity[] {
    return this.tracker?.now(store) ?? [];
  }

  /** Parameter importance, possibly of a few trials ago; requires an `update` before. */
  importance(store: Store): Promise<ImportanceAnswer> {
    const complete = this.states.filter((state) => state === 'complete').length;
    return this.importanceCache.answer(store, { facts: this.facts, cursor: this.cursor, complete });
  }

  private readAll(store: Store, latest: number): void {
    const { experiment } = (this.knownFacts = factsOf(store));
    this.states.length = 0;
    this.rejected = 0;
    for (const { number, state, rejected } of store.overview.standing()) {
      this.states[number] = state;
      this.rejected += rejected;
    }
    this.readFrontier(store, latest);
    this.tracker = new ActivityTracker(experiment);
    for (const event of store.events.all(latest - recentEvents)) this.tracker.apply(event);
    const [begun] = store.events.last(['created', 'resumed'], 1);
    const ends = store.events.last(['finished'], paceWindow + 1).filter(({ seq }) => seq > begun.seq);
    this.since = ends.at(paceWindow)?.at ?? begun.at;
    this.ends = ends
      .slice(0, paceWindow)
      .map(({ at }) => at)
      .reverse();
    this.changedAt = store.events.all(latest - 1).at(-1)?.at ?? begun.at;
  }

  private readNewEvents(store: Store, latest: number): void {
    const events = store.events.all(this.latestEvent);
    if (events.some(({ kind }) => kind === 'extended')) this.knownFacts = factsOf(store);
    for (const event of events) {
      this.tracker?.apply(event);
      this.applyPace(event);
      this.changedAt = Math.max(this.changedAt, event.at);
    }
    // The number of images, which errors depend on, is known once the first results are stored.
    if (events.some(({ kind }) => kind === 'measured') || this.evidence?.isExact === true) this.evidence = undefined;
    const trials = store.trials.some(changedBy(events));
    for (const { number, state, rejected } of trials) {
      if (!(number in this.states)) this.rejected += rejected;
      this.states[number] = state;
    }
    if (trials.some((trial) => this.isRevised(trial))) this.readFrontier(store, latest);
    else this.insert(store, trials, latest);
  }

  private applyPace({ kind, at }: EventRecord): void {
    if (kind === 'resumed') {
      this.since = at;
      this.ends = [];
    }
    if (kind !== 'finished') return;
    const ends = [...this.ends, at];
    this.since = ends.at(-paceWindow - 1) ?? this.since;
    this.ends = ends.slice(-paceWindow);
  }

  private isRevised(trial: TrialRecord): boolean {
    const before = this.members.filter(({ number }) => number === trial.number);
    if (before.length === 0) return false;
    const after = new Map(candidatesOf(trial).map(({ precision, values }) => [precision, values]));
    return !before.every(({ precision, values }) =>
      Object.entries(values).every(([name, value]) => after.get(precision)?.[name]?.value === value),
    );
  }

  private insert(store: Store, trials: readonly TrialRecord[], latest: number): void {
    const known = new Set(this.members.map(({ number, precision }) => `${number} ${precision}`));
    const added: Member[] = [];
    for (const trial of trials) {
      for (const { precision, values } of candidatesOf(trial)) {
        const { number, state } = trial;
        if (known.has(`${number} ${precision}`)) continue;
        const member = this.estimated(store, { number, precision, state, values: plainValues(values) });
        this.archive.insert(member);
        added.push(member);
      }
    }
    if (added.length > 0) this.setFrontier(latest, [...this.candidates, ...added]);
  }

  private estimated(store: Store, candidate: Member): Member {
    const evidence = this.evidenceOf(store);
    return evidence.isExact ? candidate : evidence.estimated(candidate);
  }

  /** How sure values are, read again after each measurement. */
  evidenceOf(store: Store): RunEvidence {
    return (this.evidence ??= new RunEvidence(store)).readFrom(store);
  }

  private readFrontier(store: Store, latest: number): void {
    const { objectives } = this.facts;
    this.archive = new FrontierArchive<Member>(objectives);
    this.evidence = new RunEvidence(store);
    let near: readonly Member[] = [];
    for (const part of store.overview.completeParts()) {
      const judged = part.map((candidate) => this.estimated(store, candidate));
      // Filtering each part first keeps the archive small.
      const members = frontier(judged, objectives);
      for (const member of members) this.archive.insert(member);
      near = [...near, ...contenders(judged, members, objectives)];
    }
    this.setFrontier(latest, near);
  }

  /** @param near candidates that may be on the frontier */
  private setFrontier(latest: number, near: readonly Member[]): void {
    const { objectives } = this.facts;
    const sorted = sortFrontier(this.archive.members, objectives);
    this.candidates = contenders(near, sorted, objectives);
    const before = this.members;
    this.members = sorted.map((member) => ({ ...member, rivals: rivalsOf(member, this.candidates, objectives) }));
    if (!isDeepStrictEqual(this.members, before)) this.changedCursor = latest;
  }
}
