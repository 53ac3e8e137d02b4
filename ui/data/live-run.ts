import { batch, effect, signal, untracked } from '@preact/signals';
import type {
  Activity,
  CandidateColumns,
  Changes,
  CurvePoint,
  FrontierKey,
  LogEntry,
  RunAnswer,
  RunId,
  Training,
  TrialsAnswer,
} from '../../reports/page/api.js';
import { Candidates } from './candidates.js';
import { get, listen, problemText, Refused, retry } from './connection.js';
import { LiveCurves } from './curves.js';

const longestLog = 200;

/** The stream does not report everything (int8 results): `info` is refreshed after this, in ms. */
const infoAge = 15_000;

/**
 * The live state of one run, for all of its pages. `candidates` is no signal: what reads its columns must read `version`
 * to be drawn again when they change.
 */
export class LiveRun {
  readonly candidates = new Candidates();
  /** Counts the changes of `candidates`. */
  readonly version = signal(0);
  /** Everything that does not grow with the trials; null until it is loaded. */
  readonly info = signal<RunAnswer | null>(null);
  readonly loaded = signal({ done: 0, total: 0 });
  /** Sorted by the second objective. */
  readonly frontier = signal<readonly FrontierKey[]>([]);
  readonly now = signal<readonly Activity[]>([]);
  /** By how many ms the server's clock is ahead of the browser's. */
  readonly clockLead = signal(0);
  /** The epochs that ended since the page was opened. */
  readonly curves = new LiveCurves();
  /** Why the run cannot be shown, or is out of date. */
  readonly problem = signal<string | null>(null);
  /**
   * Whether the run's file was replaced, removed, or became unreadable, as `problem` explains. This object then no longer
   * changes; a new `LiveRun` shows the new file.
   */
  readonly replaced = signal(false);

  private readonly ended = new AbortController();
  /** The stream's position; null before listening. */
  private cursor: number | null = null;
  /** Changes that arrive while trials are loaded; null afterwards. */
  private meanwhile: CandidateColumns[] | null = [];
  /** When `info` was last requested, in ms. */
  private infoAt = 0;
  /** Numbers of the last request for `info` and of the last used answer: an older answer may arrive later. */
  private readonly infoRequests = { sent: 0, answered: 0 };
  private messages = 0;
  private started = false;

  /** @param clock The current time, in ms. */
  constructor(
    readonly id: RunId,
    private readonly clock: () => number = Date.now,
  ) {}

  /** Loads the run and listens to its changes. Further calls do nothing. */
  start(): void {
    if (this.started) return;
    this.started = true;
    void retry(
      (progress) => this.load(progress),
      (error) => (this.problem.value = problemText(error)),
      this.ended.signal,
    );
  }

  end(): void {
    this.ended.abort();
  }

  /** The epochs of a training since the page was opened; subscribes to further ones. */
  curveOf(training: Training): readonly CurvePoint[] {
    return this.curves.version.value === 0 ? [] : this.curves.of(training);
  }

  private async load(progress: () => void): Promise<void> {
    await this.refresh();
    let from: number | null = 0;
    while (from !== null) {
      const answer: TrialsAnswer = await get('/api/runs/:run/trials', { run: this.id }, { from }, this.ended.signal);
      batch(() => {
        this.candidates.merge(answer.candidates);
        this.version.value++;
        this.loaded.value = { done: answer.next ?? answer.total, total: answer.total };
        this.problem.value = null;
      });
      // Listens from the first part on, while further parts are loaded.
      if (this.cursor === null) this.listen((this.cursor = answer.cursor));
      from = answer.next;
      progress();
    }
    // A part may be older than a message that arrived during its request.
    const { meanwhile } = this;
    this.meanwhile = null;
    if (meanwhile === null || meanwhile.length === 0) return;
    for (const later of meanwhile) this.candidates.merge(later);
    this.version.value++;
  }

  /** Loads `info`, also again after a change by this page. */
  async refresh(): Promise<void> {
    this.infoAt = this.clock();
    const { infoRequests, messages } = this;
    const own = ++infoRequests.sent;
    const info = await get('/api/runs/:run', { run: this.id }, {}, this.ended.signal);
    if (own < infoRequests.answered) return;
    infoRequests.answered = own;
    const known = this.info.peek();
    // A message that arrived during the request is newer.
    const { run, pace } = known !== null && messages !== this.messages ? known : info;
    this.info.value = { ...info, run, pace, log: mergedLog(info.log, known?.log ?? []) };
  }

  private listen(first: number): void {
    const close = listen('/api/runs/:run/live', { run: this.id }, () => ({ after: this.cursor ?? first }), {
      changes: (changes) => this.apply(changes),
      gone: ({ error }) => {
        batch(() => ((this.replaced.value = true), (this.problem.value = new Refused(410, error).message)));
        this.end();
      },
      opened: () => (this.problem.value = null),
      lost: (error) => (this.problem.value = problemText(error)),
    });
    this.ended.signal.addEventListener('abort', close);
  }

  private apply({ cursor, run, pace, candidates, frontier, now, at, epochs, log, notes }: Changes): void {
    this.cursor = cursor;
    this.messages++;
    const before = this.info.value;
    const hasCandidates = candidates.number.length > 0;
    batch(() => {
      if (before !== null) this.info.value = { ...before, run, pace, log: mergedLog(log, before.log) };
      if (hasCandidates) {
        this.candidates.merge(candidates);
        this.version.value++;
        this.meanwhile?.push(candidates);
        const total = Object.values(run.counts).reduce((sum, count) => sum + count, 0);
        this.loaded.value = { done: this.meanwhile === null ? total : this.loaded.value.done, total };
      }
      if (frontier !== null) this.frontier.value = frontier;
      this.now.value = now;
      this.clockLead.value = at - this.clock();
      this.curves.add(epochs);
    });
    const statusChanged = before !== null && before.run.status !== run.status;
    const isOld = this.clock() - this.infoAt > infoAge;
    const isNoted = before !== null && before.notes.size !== notes;
    if (statusChanged || isNoted || ((hasCandidates || log.length > 0) && isOld))
      // The stream reports when the server is gone.
      this.refresh().catch(() => undefined);
  }
}

/** The live state of a run's current file. After the file was replaced, the new one follows as soon as it is loaded. */
export class FollowedRun {
  readonly current;
  /** Counts the files before the current one. */
  version = 0;
  private next: LiveRun | null = null;
  private readonly unfollow: () => void;

  constructor(id: RunId) {
    this.current = signal(new LiveRun(id));
    this.unfollow = effect(() => {
      if (!this.current.value.replaced.value) return;
      const next = (this.next ??= new LiveRun(id));
      untracked(() => next.start());
      if (next.version.value === 0) return;
      this.next = null;
      this.version++;
      this.current.value = next;
    });
  }

  start(): void {
    this.current.peek().start();
  }

  end(): void {
    this.unfollow();
    this.current.peek().end();
    this.next?.end();
  }
}

/** All entries once, newest first. */
function mergedLog(log: readonly LogEntry[], known: readonly LogEntry[]): readonly LogEntry[] {
  if (log.length === 0) return known;
  const entries = new Map([...known, ...log].map((entry) => [entry.seq, entry]));
  return [...entries.values()].sort((a, b) => b.seq - a.seq).slice(0, longestLog);
}
