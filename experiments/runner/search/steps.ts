import type { RungResult, Step, Values } from '../../../search/index.js';
import type { Store, TrialRecord } from '../../../store/index.js';
import type { Evaluator } from '../evaluators/evaluator.js';
import { plainValues } from '../../stored/candidates.js';

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

const isFinished = ({ state }: TrialRecord): boolean => state !== 'waiting' && state !== 'running';

/** What a promotion leaves in the store's history besides its trial. */
export interface Promotion {
  readonly epochs: number;
  readonly reason: string;
}

/**
 * The steps that a store knows of: each trial's first when it was asked, each other when it was promoted; with the results
 * of those that are done.
 * @param trials all of the store's, by number.
 * @param first epochs of a trial's first step.
 */
export function storedSteps(
  store: Store,
  trials: readonly TrialRecord[],
  first: number,
  evaluator: Evaluator,
): StepLog {
  const log = new StepLog();
  for (const { kind, trial, detail } of store.events.of('asked', 'promoted')) {
    if (trial === null) continue;
    if (kind === 'asked') log.add({ trial, epochs: first });
    // Written by the search.
    if (kind === 'promoted') log.add({ trial, epochs: (detail as Promotion).epochs });
  }
  for (const [i, step] of log.steps.entries()) {
    const result = resultOf(trials[step.trial], step, log.latest(step.trial) === i, evaluator);
    if (result !== undefined) log.finish(i, result);
  }
  return log;
}

/** What came of a step; null when its trial ended without values, undefined when it is not done. */
function resultOf(trial: TrialRecord, step: Step, isLast: boolean, evaluator: Evaluator): Values | null | undefined {
  const ended = isFinished(trial);
  if (isLast && trial.state === 'complete') return trial.observed;
  // It ended in this step, whatever epochs it may have done before.
  if (isLast && trial.state === 'failed') return null;
  // The last step of a training leaves more behind than its epochs: until it has its outcome, it is not done.
  const isWhole = step.epochs >= (evaluator.epochs ?? step.epochs);
  const stored = isWhole ? undefined : evaluator.recall?.(trial, step.epochs);
  return stored === undefined ? (ended ? null : undefined) : plainValues(stored);
}
