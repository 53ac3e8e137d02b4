import { batch, signal, type ReadonlySignal } from '@preact/signals';
import type {
  Activity,
  CandidateKey,
  Changes,
  CurvePoint,
  RunAnswer,
  RunId,
  Training,
  TrialsAnswer,
} from '../../experiments/page/api.js';
import { Candidates } from './candidates.js';
import { get, listen, Refused } from './connection.js';

/** Trials that are fetched at once: small parts, so that the first show at once. */
const part = 5000;

const keyOf = ({ stage, trial, shrunk }: Training): string => `${stage} ${trial ?? shrunk ?? ''}`;

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
    curves: signal<ReadonlyMap<string, readonly CurvePoint[]>>(new Map()),
    connected: signal(true),
    problem: signal<string | null>(null),
  };
  private readonly ended = new AbortController();
  private close = (): void => undefined;

  /** All that does not grow with trials; null until it is there. */
  readonly info: ReadonlySignal<RunAnswer | null> = this.signals.info;
  /** Counts the changes of `candidates`. */
  readonly version: ReadonlySignal<number> = this.signals.version;
  /** How many of the trials are here. */
  readonly loaded: ReadonlySignal<{ readonly done: number; readonly total: number }> = this.signals.loaded;
  /** Along the second objective. */
  readonly frontier: ReadonlySignal<readonly CandidateKey[]> = this.signals.frontier;
  readonly now: ReadonlySignal<readonly Activity[]> = this.signals.now;
  /** Epochs that ended since the page was opened, by training (`keyOf` of `curveOf`). */
  private readonly curves: ReadonlySignal<ReadonlyMap<string, readonly CurvePoint[]>> = this.signals.curves;
  /** Whether the server answers. */
  readonly connected: ReadonlySignal<boolean> = this.signals.connected;
  /** Why the run cannot be shown. */
  readonly problem: ReadonlySignal<string | null> = this.signals.problem;

  constructor(readonly id: RunId) {
    this.load().catch((error: unknown) => {
      if (this.ended.signal.aborted) return;
      this.signals.problem.value = error instanceof Refused ? error.message : 'The server cannot be reached.';
    });
  }

  /** Stops listening. */
  end(): void {
    this.ended.abort();
    this.close();
  }

  /** Epochs of a training that ended since the page was opened. */
  curveOf(training: Training): readonly CurvePoint[] {
    return this.curves.value.get(keyOf(training)) ?? [];
  }

  private async load(): Promise<void> {
    const run = { run: this.id };
    const { signal: ended } = this.ended;
    this.signals.info.value = await get('/api/runs/:run', run, {}, ended);
    let cursor: number | undefined;
    let from: number | null = 0;
    while (from !== null) {
      const answer: TrialsAnswer = await get('/api/runs/:run/trials', run, { from, limit: part }, ended);
      cursor ??= answer.cursor;
      batch(() => {
        this.candidates.merge(answer.candidates);
        this.signals.version.value++;
        this.signals.loaded.value = { done: answer.next ?? answer.total, total: answer.total };
      });
      from = answer.next;
    }
    if (ended.aborted) return;
    this.close = listen(
      '/api/runs/:run/live',
      run,
      { after: cursor },
      {
        changes: (changes) => this.take(changes),
        gone: ({ error }) => {
          this.signals.problem.value = error.message;
        },
        connected: (connected: boolean) => {
          this.signals.connected.value = connected;
        },
      },
    );
  }

  private take({ run, pace, candidates, frontier, now, epochs, log }: Changes): void {
    batch(() => {
      const { info, version, curves } = this.signals;
      if (info.value !== null)
        info.value = { ...info.value, run, pace, log: [...log.toReversed(), ...info.value.log].slice(0, 200) };
      if (candidates.number.length > 0) {
        this.candidates.merge(candidates);
        version.value++;
      }
      if (frontier !== null) this.signals.frontier.value = frontier;
      this.signals.now.value = now;
      if (epochs.length > 0) {
        const next = new Map(curves.value);
        for (const { training, ...point } of epochs)
          next.set(keyOf(training), [...(next.get(keyOf(training)) ?? []), point]);
        curves.value = next;
      }
    });
  }
}
