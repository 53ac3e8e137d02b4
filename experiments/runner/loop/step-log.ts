import type { RungResult, Step, Values } from '../../../search/index.js';

/** A result with the number of its step. */
export interface StepResult extends RungResult {
  readonly step: number;
}

/** The steps of a search in the order in which they were decided, and what came of each. */
export class StepLog {
  private readonly list: Step[] = [];
  /** Values after the step; null when the trial ended without. */
  private readonly results = new Map<number, Values | null>();
  /** Steps of each trial. */
  private readonly ofTrial = new Map<number, number[]>();
  private readonly judgedTrials = new Set<number>();
  private fruitful = false;

  get steps(): readonly Step[] {
    return this.list;
  }

  /** How many trials have finished a step. */
  get judged(): number {
    return this.judgedTrials.size;
  }

  /** Whether any trial has values. */
  get isFruitful(): boolean {
    return this.fruitful;
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
    this.fruitful ||= values !== null;
  }

  isDone(step: number): boolean {
    return this.results.has(step);
  }

  /** A trial's latest step; undefined when it has none. */
  latest(trial: number): number | undefined {
    return this.ofTrial.get(trial)?.at(-1);
  }

  /** The step of the same trial before this one; undefined for its first. */
  before(step: number): number | undefined {
    return this.ofTrial.get(this.list[step].trial)?.findLast((other) => other < step);
  }

  /** What came of a step; undefined when its trial ended without values, or it is not done. */
  resultOf(step: number): StepResult | undefined {
    const values = this.results.get(step) ?? null;
    return values === null ? undefined : { ...this.list[step], step, values };
  }

  /** What a step's trial came to, step by step, up to this one. */
  rungsOf(step: number): StepResult[] {
    const steps = this.ofTrial.get(this.list[step].trial) ?? [];
    return steps.filter((other) => other <= step).flatMap((other) => this.resultOf(other) ?? []);
  }
}
