import type { Objective, RungResult, TrialResult, Values } from '../../../search/index.js';
import type { TrialRecord } from '../../../store/index.js';
import type { StepLog, StepResult } from './steps.js';

const isTold = (state: TrialRecord['state']): state is TrialResult['state'] =>
  state !== 'waiting' && state !== 'running';

/**
 * What may be used for a decision: the steps whose results are known, and what follows from them. It is kept up from one
 * decision to the next, so that a decision costs the same however many trials there are.
 */
export class Knowledge {
  private history: readonly TrialResult[] = [];
  private readonly results: StepResult[] = [];
  private readonly over = new Set<number>();
  /** Trials of which nothing is known. */
  private readonly unheard = new Set<number>();
  /** What was told after each step: the same history is then the same objects, which a controller need not read again. */
  private readonly made = new Map<number, TrialResult>();
  /** With delayed feedback: the steps before this one are known. */
  private end = 0;

  /**
   * @param trials all trials asked so far, by number; read when they are told.
   * @param epochs of a whole training.
   */
  constructor(
    private readonly log: StepLog,
    private readonly trials: readonly TrialRecord[],
    private readonly objectives: readonly Objective[],
    private readonly epochs: number,
  ) {
    for (const trial of trials.keys()) this.unheard.add(trial);
  }

  /** The trials of which something is known, in their order. The same array, unless more than additions changed it. */
  get told(): readonly TrialResult[] {
    return this.history;
  }

  /** The trials of which nothing is known, in their order. */
  get pending(): readonly TrialRecord[] {
    return [...this.unheard].sort((a, b) => a - b).map((trial) => this.trials[trial]);
  }

  /** Whether anything is known of a trial. */
  readonly knows = (trial: number): boolean => trial < this.trials.length && !this.unheard.has(trial);

  /** The results of the known steps, in the order of the steps. */
  get known(): readonly RungResult[] {
    return this.results;
  }

  /** Trials that are known to have ended. */
  get ended(): ReadonlySet<number> {
    return this.over;
  }

  /** A trial was asked. */
  asked(trial: number): void {
    this.unheard.add(trial);
  }

  /** A trial was given up at its latest step, which is known. */
  stopped(trial: number): void {
    this.over.add(trial);
  }

  /** Makes exactly the steps before `end` known; all of them are done. */
  upTo(end: number): void {
    while (this.end < end) this.learn(this.end++);
    while (this.end > Math.max(0, end)) this.forget(--this.end);
  }

  /** Makes a step known that is done, too. */
  learn(step: number): void {
    const result = this.log.resultOf(step);
    if (result !== undefined)
      this.results.splice(
        placeOf(this.results, step, (one) => one.step),
        0,
        result,
      );
    const told = this.tell(step);
    this.unheard.delete(told.number);
    if (step === this.log.latest(told.number) && isTold(this.trials[told.number].state)) this.over.add(told.number);
    const place = placeOf(this.history, told.number, ({ number }) => number);
    if (place === this.history.length) this.append(told);
    else if (this.history[place].number === told.number) this.history = this.history.with(place, told);
    else this.history = this.history.toSpliced(place, 0, told);
  }

  /** Takes back the step that became known last. */
  private forget(step: number): void {
    if (this.results.at(-1)?.step === step) this.results.pop();
    const { number } = this.tell(step);
    this.over.delete(number);
    const before = this.log.before(step);
    const place = placeOf(this.history, number, (told) => told.number);
    if (before !== undefined) this.history = this.history.with(place, this.tell(before));
    else {
      this.history = this.history.toSpliced(place, 1);
      this.unheard.add(number);
    }
  }

  private append(told: TrialResult): void {
    // Made here, and given to others to read.
    (this.history as TrialResult[]).push(told);
  }

  private tell(step: number): TrialResult {
    const told = this.made.get(step) ?? this.read(step);
    this.made.set(step, told);
    return told;
  }

  private read(step: number): TrialResult {
    const { trial, epochs: done } = this.log.steps[step];
    const { number, genotype, state, observed: told } = this.trials[trial];
    const rungs = this.log
      .rungsOf(step)
      .flatMap((rung) =>
        rung.epochs < this.epochs ? [{ share: rung.epochs / this.epochs, values: rung.values }] : [],
      );
    const trained = rungs.length === 0 ? {} : { rungs };
    const values = this.log.resultOf(step)?.values;
    if (values !== undefined && done < this.epochs)
      return { number, genotype, state: 'pruned', values: this.exact(values), ...trained };
    if (!isTold(state)) throw new Error(`trial ${number} is ${state} and has nothing to tell`);
    return { number, genotype, state, values: told, ...trained };
  }

  /** Without the values that the rest of the training would change. */
  private exact(values: Values): Values {
    const learned = new Set(this.objectives.filter(({ cost }) => cost === 'expensive').map(({ name }) => name));
    return Object.fromEntries(Object.entries(values).filter(([name]) => !learned.has(name)));
  }
}

/** The first place of a sorted list whose key is `key` or more; what is new mostly comes last. */
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
