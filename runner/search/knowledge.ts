import type { Objective, RungResult, Step, TrialResult, Values } from '../../search/index.js';
import type { Store, TrialRecord } from '../../store/index.js';
import { plainValues } from '../stored/candidates.js';
import type { Evaluator } from '../evaluators/evaluator.js';

const hasEnded = (state: TrialRecord['state']): state is TrialResult['state'] =>
  state !== 'waiting' && state !== 'running';

interface StepResult extends RungResult {
  readonly step: number;
}

/** The steps of a search in the order in which they were decided, and their results. */
export class StepLog {
  private readonly list: Step[] = [];
  /** Values after the step; null when the trial ended without. */
  private readonly results = new Map<number, Values | null>();
  private readonly ofTrial = new Map<number, number[]>();
  private readonly evaluatedTrials = new Set<number>();
  private anyValues = false;

  get steps(): readonly Step[] {
    return this.list;
  }

  get evaluated(): number {
    return this.evaluatedTrials.size;
  }

  get hasValues(): boolean {
    return this.anyValues;
  }

  /** Whether every step is done. */
  get isComplete(): boolean {
    return this.results.size === this.list.length;
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
    this.evaluatedTrials.add(this.list[step].trial);
    this.anyValues ||= values !== null;
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

  /** The result of a step; undefined when its trial ended without values, or it is not done. */
  resultOf(step: number): StepResult | undefined {
    const values = this.results.get(step) ?? null;
    return values === null ? undefined : { ...this.list[step], step, values };
  }

  /** The results of a step's trial, up to this step. */
  rungsOf(step: number): StepResult[] {
    const steps = this.ofTrial.get(this.list[step].trial) ?? [];
    return steps.filter((other) => other <= step).flatMap((other) => this.resultOf(other) ?? []);
  }
}

/** Detail of an event of the kind `promoted`. */
export interface Promotion {
  readonly epochs: number;
  readonly reason: string;
}

/**
 * The stored steps: each trial's first when it was asked, each other when it was promoted; with the results of the steps
 * that are done.
 * @param trials all of the store's, by number.
 * @param first epochs of a trial's first step.
 */
export function storedSteps(
  store: Store,
  trials: readonly TrialRecord[],
  first: number,
  evaluator: Pick<Evaluator, 'epochs' | 'recall'>,
): StepLog {
  const log = new StepLog();
  for (const { kind, trial, detail } of store.events.of('asked', 'promoted')) {
    if (trial === null) continue;
    log.add({ trial, epochs: kind === 'asked' ? first : (detail as Promotion).epochs });
  }
  for (const [i, step] of log.steps.entries()) {
    const result = resultOf(trials[step.trial], step, log.latest(step.trial) === i, evaluator);
    if (result !== undefined) log.finish(i, result);
  }
  return log;
}

/** The result of a step; null when its trial ended without values, undefined when it is not done. */
function resultOf(
  trial: TrialRecord,
  step: Step,
  isLast: boolean,
  evaluator: Pick<Evaluator, 'epochs' | 'recall'>,
): Values | null | undefined {
  const ended = hasEnded(trial.state);
  if (isLast && trial.state === 'complete') return trial.observed;
  // It ended in this step, however many epochs were done before.
  if (isLast && trial.state === 'failed') return null;
  // A training's last step does more than its epochs: it is done when the trial has its outcome.
  const isWhole = step.epochs >= (evaluator.epochs ?? step.epochs);
  const stored = isWhole ? undefined : evaluator.recall?.(trial, step.epochs);
  return stored === undefined ? (ended ? null : undefined) : plainValues(stored);
}

/**
 * The results that a decision may use: the known steps, and the history that follows from them. It grows from one decision
 * to the next, so that a decision costs the same however many trials there are.
 */
export class Knowledge {
  private observed: readonly TrialResult[] = [];
  private readonly results: StepResult[] = [];
  private readonly over = new Set<number>();
  private readonly unknown = new Set<number>();
  /** The observation after each step. A controller skips objects that it has seen, so each is made once. */
  private readonly made = new Map<number, TrialResult>();
  /** With delayed feedback: the steps before this one are known. */
  private end = 0;

  /**
   * @param trials all trials asked so far, by number; read when a step becomes known.
   * @param epochs of a whole training.
   */
  constructor(
    private readonly log: StepLog,
    private readonly trials: readonly TrialRecord[],
    private readonly objectives: readonly Objective[],
    private readonly epochs: number,
  ) {
    for (const trial of trials.keys()) this.unknown.add(trial);
  }

  /** The trials with known results, in their order. The same array unless more than additions changed it. */
  get history(): readonly TrialResult[] {
    return this.observed;
  }

  /** The trials without known results, in their order. */
  get pending(): readonly TrialRecord[] {
    return [...this.unknown].sort((a, b) => a - b).map((trial) => this.trials[trial]);
  }

  readonly knows = (trial: number): boolean => trial < this.trials.length && !this.unknown.has(trial);

  /** The results of the known steps, in the order of the steps. */
  get known(): readonly RungResult[] {
    return this.results;
  }

  get ended(): ReadonlySet<number> {
    return this.over;
  }

  asked(trial: number): void {
    this.unknown.add(trial);
  }

  /** A trial was stopped after its latest step, which is known. */
  stopped(trial: number): void {
    this.over.add(trial);
  }

  /** Makes exactly the steps before `end` known; all of them are done. */
  upTo(end: number): void {
    while (this.end < end) this.learn(this.end++);
    while (this.end > Math.max(0, end)) this.forget(--this.end);
  }

  /** Makes a finished step known, too. */
  learn(step: number): void {
    const result = this.log.resultOf(step);
    if (result !== undefined)
      this.results.splice(
        placeOf(this.results, step, (one) => one.step),
        0,
        result,
      );
    const made = this.observation(step);
    this.unknown.delete(made.number);
    if (step === this.log.latest(made.number) && hasEnded(this.trials[made.number].state)) this.over.add(made.number);
    const place = placeOf(this.observed, made.number, ({ number }) => number);
    // The array was made here; others only read it.
    if (place === this.observed.length) (this.observed as TrialResult[]).push(made);
    else if (this.observed[place].number === made.number) this.observed = this.observed.with(place, made);
    else this.observed = this.observed.toSpliced(place, 0, made);
  }

  /** Takes back the step that became known last. */
  private forget(step: number): void {
    if (this.results.at(-1)?.step === step) this.results.pop();
    const { number } = this.observation(step);
    this.over.delete(number);
    const before = this.log.before(step);
    const place = placeOf(this.observed, number, (made) => made.number);
    if (before !== undefined) this.observed = this.observed.with(place, this.observation(before));
    else {
      this.observed = this.observed.toSpliced(place, 1);
      this.unknown.add(number);
    }
  }

  private observation(step: number): TrialResult {
    const made = this.made.get(step) ?? this.read(step);
    this.made.set(step, made);
    return made;
  }

  private read(step: number): TrialResult {
    const { trial, epochs: done } = this.log.steps[step];
    const { number, genotype, state, observed } = this.trials[trial];
    const rungs = this.log
      .rungsOf(step)
      .flatMap((rung) =>
        rung.epochs < this.epochs ? [{ share: rung.epochs / this.epochs, values: rung.values }] : [],
      );
    const trained = rungs.length === 0 ? {} : { rungs };
    const values = this.log.resultOf(step)?.values;
    if (values !== undefined && done < this.epochs)
      return { number, genotype, state: 'pruned', values: this.exact(values), ...trained };
    if (!hasEnded(state)) throw new Error(`trial ${number} is ${state} and has no result`);
    return { number, genotype, state, values: observed, ...trained };
  }

  /** Without the values that the rest of the training would change. */
  private exact(values: Values): Values {
    const learned = new Set(this.objectives.filter(({ cost }) => cost === 'expensive').map(({ name }) => name));
    return Object.fromEntries(Object.entries(values).filter(([name]) => !learned.has(name)));
  }
}

/** The first index of a sorted list whose key is `key` or more; new entries mostly come last. */
function placeOf<T>(sorted: readonly T[], key: number, keyOf: (one: T) => number): number {
  let [low, high] = [0, sorted.length];
  if (high === 0 || keyOf(sorted[high - 1]) < key) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keyOf(sorted[middle]) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
