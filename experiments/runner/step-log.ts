import type { RungResult, Step, Values } from '../../search/index.js';

/** Which steps' results may be used. */
export type Known = (step: number) => boolean;

/** The steps of a search in the order in which they were decided, and what came of each. */
export class StepLog {
  private readonly list: Step[] = [];
  /** Values after the step; null when the trial ended without. */
  private readonly results = new Map<number, Values | null>();
  private readonly lastStep = new Map<number, number>();
  private readonly judgedTrials = new Set<number>();

  get steps(): readonly Step[] {
    return this.list;
  }

  /** How many trials have finished a step. */
  get judged(): number {
    return this.judgedTrials.size;
  }

  at(step: number): Step | undefined {
    return this.list.at(step);
  }

  add(step: Step): void {
    this.lastStep.set(step.trial, this.list.push(step) - 1);
  }

  finish(step: number, values: Values | null): void {
    this.results.set(step, values);
    this.judgedTrials.add(this.list[step].trial);
  }

  isDone(step: number): boolean {
    return this.results.has(step);
  }

  /** Whether any trial has values. */
  get isFruitful(): boolean {
    return [...this.results.values()].some((values) => values !== null);
  }

  /** A trial's latest step, among those that are known when that is said; undefined when there is none. */
  latest(trial: number, known: Known = () => true): number | undefined {
    const last = this.lastStep.get(trial);
    if (last === undefined || known(last)) return last;
    const earlier = this.list.findLastIndex((step, i) => step.trial === trial && known(i));
    return earlier < 0 ? undefined : earlier;
  }

  valuesAfter(step: number): Values | null {
    return this.results.get(step) ?? null;
  }

  /** What is known, in the order of the steps. */
  resultsOf(known: Known): RungResult[] {
    return this.list.flatMap((step, i) => {
      const values = known(i) ? this.results.get(i) : undefined;
      return values === undefined || values === null ? [] : [{ ...step, values }];
    });
  }
}
