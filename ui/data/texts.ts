import { signal } from '@preact/signals';
import type { RunId, TrialText } from '../../reports/page/api.js';
import { get } from './connection.js';

type Range = readonly [from: number, to: number];

const most = 1000;
/** Numbers at most this far apart share a request. */
const near = 50;
const concurrency = 3;

/** Groups numbers into few ranges, each from a number up to but not including another. */
export function rangesOf(numbers: readonly number[]): readonly Range[] {
  const ranges: [number, number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && number - last[1] < near && number - last[0] < most)
      last[1] = Math.max(last[1], number + 1);
    else ranges.push([number, number + 1]);
  }
  return ranges;
}

interface Kept {
  readonly text: TrialText;
  /** Whether the trial had ended at the request: only then is its message complete. */
  readonly ended: boolean;
}

type FetchTexts = (from: number, to: number) => Promise<readonly TrialText[]>;

export const fetchTexts =
  (run: RunId): FetchTexts =>
  (from, to) =>
    get('/api/runs/:run/texts', { run }, { from, to });

/** The texts of a run's trials, fetched when they are needed. */
export class Texts {
  private readonly kept = new Map<number, Kept>();
  private waiting: readonly Range[] = [];
  private readonly running = new Set<Range>();

  readonly version = signal(0);

  constructor(
    private readonly fetch: FetchTexts,
    private readonly hasEnded: (number: number) => boolean,
  ) {}

  of(number: number): TrialText | undefined {
    return this.kept.get(number)?.text;
  }

  private isMissing(number: number): boolean {
    const kept = this.kept.get(number);
    return kept === undefined || (!kept.ended && this.hasEnded(number));
  }

  /** Fetches the texts of these trials. Earlier requests that still wait are dropped. */
  want(numbers: readonly number[]): void {
    const isRunning = (number: number): boolean =>
      [...this.running].some(([from, to]) => number >= from && number < to);
    this.waiting = rangesOf(numbers.filter((number) => this.isMissing(number) && !isRunning(number)));
    this.fetchNext();
  }

  /** Fetches all of these texts, one range after another. @throws what `fetch` throws. @param progress Gets how many are loaded. */
  async all(numbers: readonly number[], progress: (done: number) => void): Promise<void> {
    const missing = numbers.filter((number) => this.isMissing(number));
    let done = numbers.length - missing.length;
    for (const [from, to] of rangesOf(missing)) {
      await this.load(from, to);
      done += missing.filter((number) => number >= from && number < to).length;
      progress(done);
    }
  }

  private fetchNext(): void {
    while (this.running.size < concurrency && this.waiting.length > 0) {
      const [range, ...rest] = this.waiting;
      this.waiting = rest;
      this.running.add(range);
      // A failed text stays missing, and is fetched the next time it is needed.
      void this.load(...range)
        .catch(() => undefined)
        .finally(() => {
          this.running.delete(range);
          this.fetchNext();
        });
    }
  }

  private async load(from: number, to: number): Promise<void> {
    const ended = new Set<number>();
    for (let number = from; number < to; number++) if (this.hasEnded(number)) ended.add(number);
    for (const text of await this.fetch(from, to)) this.kept.set(text.number, { text, ended: ended.has(text.number) });
    this.version.value++;
  }
}
