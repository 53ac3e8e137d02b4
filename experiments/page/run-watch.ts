import { setImmediate, setTimeout } from 'node:timers/promises';
import { NasError } from '../../base/errors.js';
import type { Clock } from '../../store/index.js';
import { collectChanges } from './collect/changes.js';
import type { Changes, ErrorAnswer } from './api.js';
import { refusalOf } from './requests.js';
import { type KnownRun, pacing, processorTime, rest } from './run-folder.js';

/** Up to where someone knows a run. */
export interface Heard {
  /** The run that he knows (`KnownRun.begun`); null: whichever is there. */
  readonly begun: number | null;
  /** The last event that he knows; null: what has happened so far he does not ask for. */
  readonly cursor: number | null;
}

export type Said =
  | { readonly event: 'changes'; readonly heard: Heard; readonly data: Changes }
  | { readonly event: 'gone'; readonly heard: Heard; readonly data: ErrorAnswer };

/** What one look at the run gave, for all who know it up to the same event. */
type Looked =
  | { readonly kind: 'changes'; readonly changes: Changes; readonly begun: number | null; readonly latest: number }
  | { readonly kind: 'locked' }
  | { readonly kind: 'unreadable'; readonly problem: ErrorAnswer };

/** Milliseconds between two looks. */
const interval = 250;
/** So many times in a row a run must be unreadable to be given up: it may be just about to be replaced. */
const patience = 4;

/**
 * Looks at one run for all who listen to it: from outside four times a second, into its file only when that has changed.
 * Who takes long to receive what was said gets all that happened meanwhile in one piece.
 */
export class RunWatch {
  private readonly looks = new Map<string, Promise<Looked>>();
  private took = 0;
  private turn: Promise<void> | undefined;
  private current: { readonly seen: string; readonly isSettled: boolean; readonly at: number };

  constructor(
    private readonly run: KnownRun,
    private readonly clock: Clock,
  ) {
    this.current = this.fromOutside();
  }

  /** What has happened since `heard`: at once, and whenever there is more, until the signal is aborted or the run gone. */
  async *changes(heard: Heard, signal: AbortSignal): AsyncGenerator<Said, void, void> {
    let told: Changes | undefined;
    for (let failures = 0; !signal.aborted;) {
      const { current } = this;
      const looked = await this.lookFrom(heard.cursor, told === undefined);
      if (looked.kind === 'changes') {
        failures = 0;
        const { changes, begun, latest } = looked;
        const isOther = heard.begun !== null && heard.begun !== begun;
        if (isOther || (heard.cursor ?? 0) > latest) {
          yield { event: 'gone', heard, data: replaced(this.run) };
          return;
        }
        heard = { begun, cursor: changes.cursor };
        if (told === undefined || isNews(told, changes)) yield { event: 'changes', heard, data: changes };
        told = changes;
        if (changes.cursor < latest) {
          // Others are answered between two parts.
          await setImmediate();
          continue;
        }
      }
      if (looked.kind === 'unreadable' && ++failures >= patience) {
        yield { event: 'gone', heard, data: looked.problem };
        return;
      }
      await this.changeAfter(looked.kind === 'changes' ? current : null, signal);
    }
  }

  /** Waits until the run does not look from outside as it did; null: until the next look. */
  private async changeAfter(before: RunWatch['current'] | null, signal: AbortSignal): Promise<void> {
    do {
      await (this.turn ??= this.next());
    } while (!signal.aborted && before !== null && this.isAsBefore(before));
  }

  private isAsBefore({ seen, isSettled, at }: RunWatch['current']): boolean {
    return isSettled && seen === this.current.seen && this.current.at - at < pacing;
  }

  /** One look from outside for all who wait. */
  private async next(): Promise<void> {
    await setTimeout(Math.max(interval, rest * this.took), undefined, { ref: false });
    this.turn = undefined;
    this.took = 0;
    this.looks.clear();
    this.current = this.fromOutside();
  }

  private fromOutside(): RunWatch['current'] {
    const at = this.clock();
    try {
      const stamp = this.run.stamp();
      // That a process has died is not written.
      const isWorkedIn = stamp !== null && this.run.isWorkedIn();
      return { seen: `${stamp?.text ?? 'none'} ${isWorkedIn}`, isSettled: stamp?.isSettled ?? true, at };
    } catch {
      // The look into it says what is wrong.
      return { seen: 'unknown', isSettled: false, at };
    }
  }

  private lookFrom(cursor: number | null, isFirst: boolean): Promise<Looked> {
    const key = `${cursor} ${isFirst}`;
    const looked = this.looks.get(key) ?? this.lookInto(cursor, isFirst);
    this.looks.set(key, looked);
    return looked;
  }

  private async lookInto(cursor: number | null, first: boolean): Promise<Looked> {
    const now = this.clock();
    const before = processorTime();
    try {
      return await this.run.look((store, memory) => {
        memory.catchUp(store);
        const changes = collectChanges(store, cursor ?? memory.cursor, memory, { now, first });
        return { kind: 'changes', changes, begun: this.run.begun, latest: memory.cursor };
      });
    } catch (error) {
      if (error instanceof NasError && error.code === 'in-use') return { kind: 'locked' };
      return { kind: 'unreadable', problem: this.run.stamp() === null ? removed(this.run) : refusalOf(error).body };
    } finally {
      this.took += processorTime() - before;
    }
  }
}

/** Whether there is something to tell since the last time. */
const isNews = (before: Changes, now: Changes): boolean =>
  now.cursor > before.cursor ||
  now.frontier !== null ||
  now.run.status !== before.run.status ||
  now.pace.trialsPerHour !== before.pace.trialsPerHour ||
  now.pace.etaSeconds !== before.pace.etaSeconds;

const replaced = ({ id }: KnownRun): ErrorAnswer => ({
  error: { message: `the run ${id} was begun anew`, hint: 'The one that took its place is shown once it can be.' },
});

const removed = ({ id }: KnownRun): ErrorAnswer => ({
  error: { message: `the run ${id} was removed`, hint: 'What is shown is how it stood last.' },
});
