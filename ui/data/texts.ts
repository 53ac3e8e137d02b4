import { signal, type ReadonlySignal } from '@preact/signals';
import type { RunId, TrialText } from '../../experiments/page/api.js';
import { get } from './connection.js';

/** The most numbers of one question. */
const part = 1000;
/** Numbers this near to each other are asked for together, with what lies between them. */
const near = 50;
/** Questions under way at the same time. */
const together = 3;

/** Numbers as few ranges: from a number up to another, without it. */
export function rangesOf(numbers: readonly number[]): readonly (readonly [from: number, to: number])[] {
  const ranges: [number, number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && number - last[1] < near && number - last[0] < part)
      last[1] = Math.max(last[1], number + 1);
    else ranges.push([number, number + 1]);
  }
  return ranges;
}

interface Kept {
  readonly text: TrialText;
  /** Whether the trial had ended when it was asked for: only then is its message there. */
  readonly ended: boolean;
}

type Ended = (number: number) => boolean;

/** Fetches a range of a run's texts. */
export type FetchTexts = (from: number, to: number) => Promise<readonly TrialText[]>;

export const fetchTexts =
  (run: RunId): FetchTexts =>
  (from, to) =>
    get('/api/runs/:run/texts', { run }, { from, to });

/** The texts of a run's trials, fetched when they are looked at. */
export class Texts {
  private readonly kept = new Map<number, Kept>();
  private readonly changes = signal(0);
  private waiting: (readonly [from: number, to: number])[] = [];
  private readonly asked = new Set<number>();
  private underWay = 0;

  /** Counts what came. */
  readonly version: ReadonlySignal<number> = this.changes;

  constructor(
    private readonly fetch: FetchTexts,
    /** Whether a trial has ended. */
    private readonly ended: Ended,
  ) {}

  of(number: number): TrialText | undefined {
    return this.kept.get(number)?.text;
  }

  private isMissing(number: number): boolean {
    const kept = this.kept.get(number);
    return kept === undefined || (!kept.ended && this.ended(number));
  }

  /** Has the texts of these trials fetched; what waits of earlier wishes is forgotten, nobody looks at it any more. */
  want(numbers: readonly number[]): void {
    for (const [from, to] of this.waiting) for (let i = from; i < to; i++) this.asked.delete(i);
    const missing = numbers.filter((number) => this.isMissing(number) && !this.asked.has(number));
    this.waiting = [...rangesOf(missing)];
    for (const [from, to] of this.waiting) for (let i = from; i < to; i++) this.asked.add(i);
    this.goOn();
  }

  /**
   * Fetches all of these, part by part. @throws what fetching throws.
   * @param progress is told how many are here.
   */
  async all(numbers: readonly number[], progress: (done: number) => void, signal?: AbortSignal): Promise<void> {
    const missing = numbers.filter((number) => this.isMissing(number));
    let done = numbers.length - missing.length;
    for (const [from, to] of rangesOf(missing)) {
      if (signal?.aborted === true) return;
      await this.take(from, to);
      done += missing.filter((number) => number >= from && number < to).length;
      progress(done);
    }
  }

  private goOn(): void {
    for (let range; this.underWay < together && (range = this.waiting.shift()) !== undefined;) {
      const [from, to] = range;
      this.underWay++;
      // What cannot be fetched now stays unknown, and is asked for when it is looked at again.
      void this.take(from, to)
        .catch(() => undefined)
        .finally(() => {
          for (let i = from; i < to; i++) this.asked.delete(i);
          this.underWay--;
          this.goOn();
        });
    }
  }

  private async take(from: number, to: number): Promise<void> {
    const ended = new Set<number>();
    for (let number = from; number < to; number++) if (this.ended(number)) ended.add(number);
    for (const text of await this.fetch(from, to)) this.kept.set(text.number, { text, ended: ended.has(text.number) });
    this.changes.value++;
  }
}
