import { setImmediate, setTimeout } from 'node:timers/promises';
import { messageOf, NasError } from '../../base/errors.js';
import type { Clock } from '../../store/index.js';
import type { RunEntry, RunId, RunsAnswer } from './api.js';
import { collectEntry } from './collect/run-answer.js';
import {
  mayHaveChanged,
  processorTime,
  restFactor,
  type Check,
  type RunFolder,
  type WatchedRun,
} from './run-folder.js';

/** Waits until the time is over or the signal is aborted; does not keep the process alive. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, { signal, ref: false }).catch(() => undefined);

interface CachedEntry {
  readonly run: WatchedRun;
  readonly entry: RunEntry;
  /** Before the read. */
  readonly check: Check;
  /** Processor time of the read, ms. */
  readonly took: number;
}

/** The JSON of each message, made once for all listeners that get the same object. */
const texts = new WeakMap<object, string>();
export function serialize(data: object): string {
  const text = texts.get(data) ?? JSON.stringify(data);
  texts.set(data, text);
  return text;
}

/** Milliseconds between two reads of the list for its listeners. */
const interval = 1000;

const statusOf = (entry: RunEntry): string | undefined => ('run' in entry ? entry.run.status : undefined);

/** The runs of a folder; only runs that changed are read again. */
export class RunList {
  private readonly cached = new Map<RunId, CachedEntry>();
  private pending: Promise<RunsAnswer> | undefined;
  private latest: { readonly answer: RunsAnswer; readonly at: number } | undefined;

  constructor(
    private readonly folder: RunFolder,
    private readonly clock: Clock,
  ) {}

  /**
   * All runs; simultaneous calls share one read.
   * @throws NasError `invalid-input` when the folder cannot be read.
   */
  answer(): Promise<RunsAnswer> {
    return (this.pending ??= this.read().finally(() => (this.pending = undefined)));
  }

  /** All runs, at once and after every change, until the signal is aborted. */
  async *changes(signal: AbortSignal): AsyncGenerator<RunsAnswer, void, void> {
    for (let sent = ''; !signal.aborted;) {
      const answer = await this.recent();
      const text = serialize(answer);
      if (text !== sent) yield answer;
      sent = text;
      await pause(interval, signal);
    }
  }

  /** The listeners share one read a second. */
  private recent(): Promise<RunsAnswer> {
    const isRecent = this.latest !== undefined && this.clock() - this.latest.at < 0.9 * interval;
    return isRecent && this.latest !== undefined ? Promise.resolve(this.latest.answer) : this.answer();
  }

  private async read(): Promise<RunsAnswer> {
    const runs = this.folder.runs();
    const ids = new Set(runs.map(({ id }) => id));
    for (const id of this.cached.keys()) if (!ids.has(id)) this.cached.delete(id);
    for (const run of runs) {
      const entry = await this.refresh(run);
      if (entry === undefined) this.cached.delete(run.id);
      else this.cached.set(run.id, entry);
    }
    const answer = { folder: this.folder.name, runs: [...ids].flatMap((id) => this.cached.get(id)?.entry ?? []) };
    this.latest = { answer, at: this.clock() };
    return answer;
  }

  /** The current entry of a run; undefined when the run has vanished. */
  private async refresh(run: WatchedRun): Promise<CachedEntry | undefined> {
    const before = this.cached.get(run.id);
    const status = before === undefined ? undefined : statusOf(before.entry);
    const check = run.check(status !== undefined && status !== 'running' && status !== 'died');
    if (check.seen === null) return undefined;
    if (before?.run === run && !this.isDue(before, check)) return before;
    // Lets the server answer other requests between two runs.
    await setImmediate();
    const start = processorTime();
    try {
      const entry = await run.read((store, cache) => collectEntry(store, run.id, cache, check.at));
      return { run, entry, check, took: processorTime() - start };
    } catch (error) {
      // Another process holds the lock for a moment; the last entry is still true.
      if (error instanceof NasError && error.code === 'in-use' && before?.run === run) return before;
      const hint = error instanceof NasError && error.hint !== undefined ? `. ${error.hint}` : '';
      const entry = { id: run.id, problem: `${messageOf(error)}${hint}` };
      return { run, entry, check: { ...check, isSettled: false }, took: processorTime() - start };
    }
  }

  private isDue({ entry, check, took }: CachedEntry, now: Check): boolean {
    return mayHaveChanged(check, now, statusOf(entry) === 'running') && now.at - check.at >= restFactor * took;
  }
}
