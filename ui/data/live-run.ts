import { batch, signal, type ReadonlySignal } from '@preact/signals';
import type {
  Activity,
  CandidateColumns,
  CandidateKey,
  Changes,
  CurvePoint,
  LogEntry,
  RunAnswer,
  RunId,
  Training,
  TrialsAnswer,
} from '../../experiments/page/api.js';
import { Candidates } from './candidates.js';
import { get, listen, problemText, Refused, untilDone } from './connection.js';
import { LiveCurves } from './curves.js';

/** Entries of the log that are kept. */
const longestLog = 200;

/** What changes with no message of its own (what int8 came to, shrunk networks) is asked for again after this, in ms. */
const infoAge = 15_000;

/**
 * One run as it stands, kept up while it goes: what all pages about it show. Of the many candidates only `version` is a
 * signal; whoever reads columns reads it, and draws again when it changes.
 */
export class LiveRun {
  readonly candidates = new Candidates();
  private readonly signals = {
    info: signal<RunAnswer | null>(null),
    version: signal(0),
    loaded: signal<{ readonly done: number; readonly total: number }>({ done: 0, total: 0 }),
    frontier: signal<readonly CandidateKey[]>([]),
    now: signal<readonly Activity[]>([]),
    connected: signal(true),
    problem: signal<string | null>(null),
    replaced: signal(false),
  };
  private readonly ended = new AbortController();
  /** Up to where the run is known; null until it is listened to. */
  private cursor: number | null = null;
  /** What was told while trials were loaded; null once they are. */
  private meanwhile: CandidateColumns[] | null = [];
  private askedAt = 0;
  /** Answers may overtake each other: the number of the last question, and of the one whose answer is here. */
  private readonly questions = { asked: 0, answered: 0 };
  /** Counts what was told. */
  private told = 0;
  private started = false;

  /** All that does not grow with trials; null until it is there. */
  readonly info: ReadonlySignal<RunAnswer | null> = this.signals.info;
  /** Counts the changes of `candidates`. */
  readonly version: ReadonlySignal<number> = this.signals.version;
  /** How many of the trials are here. */
  readonly loaded: ReadonlySignal<{ readonly done: number; readonly total: number }> = this.signals.loaded;
  /** Along the second objective. */
  readonly frontier: ReadonlySignal<readonly CandidateKey[]> = this.signals.frontier;
  readonly now: ReadonlySignal<readonly Activity[]> = this.signals.now;
  /** Epochs that ended since the page was opened. */
  readonly curves = new LiveCurves();
  /** Whether the server answers. */
  readonly connected: ReadonlySignal<boolean> = this.signals.connected;
  /** Why the run cannot be shown, or is no longer up to date. */
  readonly problem: ReadonlySignal<string | null> = this.signals.problem;
  /**
   * Whether its file was replaced, removed, or cannot be read any more, as `problem` then says: what is here stays as it is,
   * and a new `LiveRun` may know more.
   */
  readonly replaced: ReadonlySignal<boolean> = this.signals.replaced;

  /** @param clock Of now, in ms. */
  constructor(
    readonly id: RunId,
    private readonly clock: () => number = Date.now,
  ) {}

  /** Fetches what is there, and listens; once. */
  start(): void {
    if (this.started) return;
    this.started = true;
    void untilDone(
      (progress) => this.load(progress),
      (error) => (this.signals.problem.value = problemText(error)),
      this.ended.signal,
    );
  }

  /** Stops listening. */
  end(): void {
    this.ended.abort();
  }

  /** Epochs of a training that ended since the page was opened; who shows them is told of more. */
  curveOf(training: Training): readonly CurvePoint[] {
    return this.curves.version.value === 0 ? [] : this.curves.of(training);
  }

  private async load(progress: () => void): Promise<void> {
    await this.ask();
    let from: number | null = 0;
    while (from !== null) {
      const answer: TrialsAnswer = await get('/api/runs/:run/trials', { run: this.id }, { from }, this.ended.signal);
      batch(() => {
        this.candidates.merge(answer.candidates);
        this.signals.version.value++;
        this.signals.loaded.value = { done: answer.next ?? answer.total, total: answer.total };
        this.signals.problem.value = null;
      });
      // What is live goes on from the first part, beside the others.
      if (this.cursor === null) this.listen((this.cursor = answer.cursor));
      from = answer.next;
      progress();
    }
    // A part may be older than what was told while it was on its way.
    const { meanwhile } = this;
    this.meanwhile = null;
    if (meanwhile === null || meanwhile.length === 0) return;
    for (const later of meanwhile) this.candidates.merge(later);
    this.signals.version.value++;
  }

  /** Asks for what does not grow with trials. */
  private async ask(): Promise<void> {
    this.askedAt = this.clock();
    const { questions, told } = this;
    const own = ++questions.asked;
    const info = await get('/api/runs/:run', { run: this.id }, {}, this.ended.signal);
    if (own < questions.answered) return;
    questions.answered = own;
    const known = this.info.peek();
    // What was told while the answer was on its way is newer.
    const { run, pace } = known !== null && told !== this.told ? known : info;
    this.signals.info.value = { ...info, run, pace, log: merged(info.log, known?.log ?? []) };
  }

  private listen(first: number): void {
    const { connected, problem, replaced } = this.signals;
    const close = listen('/api/runs/:run/live', { run: this.id }, () => ({ after: this.cursor ?? first }), {
      changes: (changes) => this.take(changes),
      gone: ({ error }) => {
        batch(() => ((replaced.value = true), (problem.value = new Refused(410, error).message)));
        this.end();
      },
      opened: () => batch(() => ((connected.value = true), (problem.value = null))),
      lost: (error) =>
        batch(() => {
          connected.value = false;
          problem.value = problemText(error);
        }),
    });
    this.ended.signal.addEventListener('abort', close);
  }

  private take({ cursor, run, pace, candidates, frontier, now, epochs, log }: Changes): void {
    this.cursor = cursor;
    this.told++;
    const before = this.info.value;
    batch(() => {
      const { info, version, loaded } = this.signals;
      if (before !== null) info.value = { ...before, run, pace, log: merged(log, before.log) };
      if (candidates.number.length > 0) {
        this.candidates.merge(candidates);
        version.value++;
        this.meanwhile?.push(candidates);
        const { waiting, running, complete, pruned, failed } = run.counts;
        const total = waiting + running + complete + pruned + failed;
        loaded.value = { done: this.meanwhile === null ? total : loaded.value.done, total };
      }
      if (frontier !== null) this.signals.frontier.value = frontier;
      this.signals.now.value = now;
      this.curves.take(epochs);
    });
    const moved = candidates.number.length > 0 || log.length > 0;
    const ended = before !== null && before.run.status !== run.status;
    if (ended || (moved && this.clock() - this.askedAt > infoAge)) this.ask().catch(() => undefined); // The stream tells when the server is gone.
  }
}

/** The newest first, each once. */
function merged(log: readonly LogEntry[], known: readonly LogEntry[]): readonly LogEntry[] {
  if (log.length === 0) return known;
  const entries = new Map([...known, ...log].map((entry) => [entry.seq, entry]));
  return [...entries.values()].sort((a, b) => b.seq - a.seq).slice(0, longestLog);
}
