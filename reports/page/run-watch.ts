import { setTimeout } from 'node:timers/promises';
import { NasError } from '../../base/errors.js';
import type { Clock } from '../../store/index.js';
import type { Changes, ErrorAnswer } from './api.js';
import { collectChanges } from './collect/changes.js';
import { refusalOf } from './requests.js';
import { mayHaveChanged, processorTime, restFactor, type Check, type WatchedRun } from './run-folder.js';

/** How much of a run a listener knows. */
export interface StreamPosition {
  /** Creation time of the run (`WatchedRun.begun`); null: any run. */
  readonly begun: number | null;
  /** Its last event; null: only later events are wanted. */
  readonly cursor: number | null;
}

type RunMessage =
  | { readonly event: 'changes'; readonly position: StreamPosition; readonly data: Changes }
  | { readonly event: 'gone'; readonly position: StreamPosition; readonly data: ErrorAnswer };

/** Result of one read, shared by all listeners at the same cursor. */
type ReadResult =
  | { readonly kind: 'changes'; readonly changes: Changes; readonly begun: number | null; readonly latest: number }
  | { readonly kind: 'locked' }
  | { readonly kind: 'unreadable'; readonly problem: ErrorAnswer };

/** Shortest and longest time between two checks, ms. */
const [interval, longestInterval] = [250, 10_000];
/** Milliseconds between two parts for a listener that is behind: sending them takes the processor, too. */
const partInterval = 250;
/** How many results of one check are kept for listeners that reach the same position later. */
const keptReads = 4;
/** A run is given up after so many failed reads in a row; a run that is being replaced fails once or twice. */
const maxFailures = 4;

/** Runs one read of all watches at a time, and pauses as long as it took: the server answers other requests meanwhile. */
export class ReadQueue {
  private last: Promise<unknown> = Promise.resolve();

  run<T>(read: () => Promise<T>): Promise<T> {
    let took = 0;
    const result = this.last.then(async () => {
      const start = processorTime();
      try {
        return await read();
      } finally {
        took = processorTime() - start;
      }
    });
    const pause = (): Promise<void> => setTimeout(took, undefined, { ref: false });
    this.last = result.then(pause, pause);
    return result;
  }
}

/**
 * Watches one run for all its listeners: checks it four times a second, and reads it only when a check differs. A slow listener gets everything since its last message at once.
 */
export class RunWatch {
  private readonly reads = new Map<string, Promise<ReadResult>>();
  /** Processor time of the reads since the last check, ms. */
  private took = 0;
  private nextCheck: Promise<void> | undefined;
  private current: Check;

  constructor(
    private readonly run: WatchedRun,
    private readonly clock: Clock,
    private readonly queue: ReadQueue,
  ) {
    this.current = run.check();
  }

  /** Changes since a position: at once and whenever there are more, until the signal is aborted or the run is gone. */
  async *changes(position: StreamPosition, signal: AbortSignal): AsyncGenerator<RunMessage, void, void> {
    let sent: Changes | undefined;
    for (let failures = 0; !signal.aborted;) {
      const { current } = this;
      const result = await this.readFrom(position.cursor, sent === undefined, signal);
      if (result.kind === 'changes') {
        failures = 0;
        const { changes, begun, latest } = result;
        const isReplaced = position.begun !== null && position.begun !== begun;
        if (isReplaced || (position.cursor ?? 0) > latest) {
          yield { event: 'gone', position, data: replaced(this.run) };
          return;
        }
        position = { begun, cursor: changes.cursor };
        if (sent === undefined || hasChanged(sent, changes)) yield { event: 'changes', position, data: changes };
        sent = changes;
        if (changes.cursor < latest) {
          await setTimeout(partInterval, undefined, { ref: false });
          continue;
        }
      }
      if (result.kind === 'unreadable' && ++failures >= maxFailures) {
        yield { event: 'gone', position, data: result.problem };
        return;
      }
      await this.changeAfter(result.kind === 'changes' ? current : null, signal);
    }
  }

  /** Waits until a check differs from `before`; null: until the next check. */
  private async changeAfter(before: Check | null, signal: AbortSignal): Promise<void> {
    do {
      await (this.nextCheck ??= this.next());
    } while (!signal.aborted && before !== null && !mayHaveChanged(before, this.current, true));
  }

  /** One check for all listeners that wait. */
  private async next(): Promise<void> {
    await setTimeout(Math.min(longestInterval, Math.max(interval, restFactor * this.took)), undefined, { ref: false });
    this.nextCheck = undefined;
    this.took = 0;
    this.reads.clear();
    this.current = this.run.check();
  }

  /** @param signal of the first listener that asks: once it is gone, the others ask again at the next check */
  private readFrom(cursor: number | null, isFirst: boolean, signal: AbortSignal): Promise<ReadResult> {
    const key = `${cursor} ${isFirst}`;
    const known = this.reads.get(key);
    if (known !== undefined) return known;
    const result = this.queue.run(() =>
      signal.aborted ? Promise.resolve<ReadResult>({ kind: 'locked' }) : this.readChanges(cursor, isFirst),
    );
    this.reads.set(key, result);
    const [oldest] = this.reads.keys();
    if (this.reads.size > keptReads) this.reads.delete(oldest);
    return result;
  }

  private async readChanges(cursor: number | null, first: boolean): Promise<ReadResult> {
    const now = this.clock();
    const start = processorTime();
    try {
      return await this.run.read((store, cache) => {
        cache.update(store);
        const changes = collectChanges(store, cursor ?? cache.cursor, cache, { now, first });
        return { kind: 'changes', changes, begun: this.run.begun, latest: cache.cursor };
      });
    } catch (error) {
      if (error instanceof NasError && error.code === 'in-use') return { kind: 'locked' };
      return {
        kind: 'unreadable',
        problem: this.run.check().seen === null ? removed(this.run) : refusalOf(error).body,
      };
    } finally {
      this.took += processorTime() - start;
    }
  }
}

const hasChanged = (before: Changes, now: Changes): boolean =>
  now.cursor > before.cursor ||
  now.frontier !== null ||
  now.notes !== before.notes ||
  now.run.status !== before.run.status ||
  now.pace.trialsPerHour !== before.pace.trialsPerHour ||
  now.pace.etaSeconds !== before.pace.etaSeconds;

const replaced = ({ id }: WatchedRun): ErrorAnswer => ({
  error: { message: `the run ${id} was replaced by a new run`, hint: 'The new run is shown once it can be read.' },
});

const removed = ({ id }: WatchedRun): ErrorAnswer => ({
  error: { message: `the run ${id} was removed`, hint: 'The page shows its last state.' },
});
