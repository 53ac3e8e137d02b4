import type { RungResult, Step, Values } from '../../../search/index.js';

/** Which steps' results may be used. */
export type Known = (step: number) => boolean;

/** The steps of a search in the order in which they were decided, and what came of each. */
export class StepLog {
  private readonly list: Step[] = [];
  /** Values after the step; null when the trial ended without. */
  private readonly results = new Map<number, Values | null>();
  /** Steps of each trial. */
  private readonly ofTrial = new Map<number, number[]>();
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
    const number = this.list.push(step) - 1;
    const steps = this.ofTrial.get(step.trial);
    if (steps === undefined) this.ofTrial.set(step.trial, [number]);
    else steps.push(number);
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
    return this.ofTrial.get(trial)?.findLast(known);
  }

  valuesAfter(step: number): Values | null {
    return this.results.get(step) ?? null;
  }

  /** What a trial came to, step by step, up to one of its steps. */
  rungsOf(trial: number, upTo: number): RungResult[] {
    return (this.ofTrial.get(trial) ?? []).filter((step) => step <= upTo).flatMap((step) => this.resultOf(step));
  }

  /** What is known, in the order of the steps. */
  resultsOf(known: Known): RungResult[] {
    return this.list.flatMap((_, step) => (known(step) ? this.resultOf(step) : []));
  }

  private resultOf(step: number): RungResult[] {
    const values = this.valuesAfter(step);
    return values === null ? [] : [{ ...this.list[step], values }];
  }
}
