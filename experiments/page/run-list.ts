import { setImmediate, setTimeout } from 'node:timers/promises';
import { messageOf, NasError } from '../../base/errors.js';
import type { Clock } from '../../store/index.js';
import { collectEntry } from './collect/run-answer.js';
import type { RunEntry, RunId, RunsAnswer } from './api.js';
import { type KnownRun, pacing, processorTime, rest, type RunFolder } from './run-folder.js';

/** Waits, but no longer than until the signal is aborted; keeps no process alive. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, { signal, ref: false }).catch(() => undefined);

/** What was found when a run was looked at last. */
interface Found {
  readonly run: KnownRun;
  readonly stamp: string;
  readonly isSettled: boolean;
  readonly isWorkedIn: boolean;
  readonly entry: RunEntry;
  /** When, and what it took of a processor, in ms. */
  readonly at: number;
  readonly took: number;
}

/** Milliseconds between two looks at all runs, for those who listen. */
const interval = 1000;

const statusOf = (entry: RunEntry): string | undefined => ('run' in entry ? entry.run.status : undefined);

/** The runs of a folder; only those that changed are read again. */
export class RunList {
  private readonly found = new Map<RunId, Found>();
  private underway: Promise<RunsAnswer> | undefined;
  private latest: { readonly answer: RunsAnswer; readonly at: number } | undefined;

  constructor(
    private readonly folder: RunFolder,
    private readonly clock: Clock,
  ) {}

  /**
   * How all runs stand; those who ask at the same time are answered together.
   * @throws NasError `invalid-input` when the folder cannot be read.
   */
  answer(): Promise<RunsAnswer> {
    return (this.underway ??= this.read());
  }

  /** How all runs stand, at once and whenever that changes, until the signal is aborted. */
  async *changes(signal: AbortSignal): AsyncGenerator<RunsAnswer, void, void> {
    for (let said = ''; !signal.aborted;) {
      const answer = await this.recent();
      const text = JSON.stringify(answer);
      if (text !== said) yield answer;
      said = text;
      await pause(interval, signal);
    }
  }

  /** However many listen, the runs are looked at once a second. */
  private recent(): Promise<RunsAnswer> {
    const isRecent = this.latest !== undefined && this.clock() - this.latest.at < 0.9 * interval;
    return isRecent && this.latest !== undefined ? Promise.resolve(this.latest.answer) : this.answer();
  }

  private async read(): Promise<RunsAnswer> {
    try {
      return await this.readAll();
    } finally {
      this.underway = undefined;
    }
  }

  private async readAll(): Promise<RunsAnswer> {
    const runs = this.folder.runs();
    const ids = new Set(runs.map(({ id }) => id));
    for (const id of this.found.keys()) if (!ids.has(id)) this.found.delete(id);
    for (const run of runs) {
      const found = await this.lookAt(run);
      if (found === undefined) this.found.delete(run.id);
      else this.found.set(run.id, found);
    }
    const answer = { folder: this.folder.name, runs: [...ids].flatMap((id) => this.found.get(id)?.entry ?? []) };
    this.latest = { answer, at: this.clock() };
    return answer;
  }

  /** What is found of a run now; undefined when it has vanished. */
  private async lookAt(run: KnownRun): Promise<Found | undefined> {
    const before = this.found.get(run.id);
    let processor = processorTime();
    try {
      const stamp = run.stamp();
      if (stamp === null) return undefined;
      if (before?.run === run && !this.mayHaveChanged(before, stamp.text)) return before;
      // Others are answered between two runs.
      await setImmediate();
      const at = this.clock();
      processor = processorTime();
      const isWorkedIn = run.isWorkedIn();
      const entry = await run.look((store, memory) => collectEntry(store, run.id, memory, at));
      const { text, isSettled } = stamp;
      return { run, stamp: text, isSettled, isWorkedIn, entry, at, took: processorTime() - processor };
    } catch (error) {
      // Somebody has it for himself for a moment: what was known is still true.
      if (error instanceof NasError && error.code === 'in-use' && before?.run === run) return before;
      const hint = error instanceof NasError && error.hint !== undefined ? `. ${error.hint}` : '';
      const entry = { id: run.id, problem: `${messageOf(error)}${hint}` };
      const took = processorTime() - processor;
      return { run, stamp: '', isSettled: false, isWorkedIn: false, entry, at: this.clock(), took };
    }
  }

  private mayHaveChanged({ run, stamp, isSettled, isWorkedIn, entry, at, took }: Found, now: string): boolean {
    const age = this.clock() - at;
    const status = statusOf(entry);
    // That a process has died is not written.
    if ((status === 'running' || status === 'died') && run.isWorkedIn() !== isWorkedIn) return true;
    if (status === 'running' && age > pacing) return true;
    return (!isSettled || stamp !== now) && age >= rest * took;
  }
}
