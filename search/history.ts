import { genotypeId } from '../spaces/genotype.js';
import type { AskContext, TrialResult } from './controller.js';

/** Ids of all networks that were asked, pending ones included. */
export interface AskedIds {
  readonly size: number;
  has(id: string): boolean;
}

/** The trials that were read so far, of a history that mostly grows. */
class ReadTrials {
  readonly trials: TrialResult[] = [];
  private source: readonly TrialResult[] | undefined;

  /** Keeps the longest prefix that a history shares. @returns the trials that are forgotten. */
  keep(history: readonly TrialResult[]): TrialResult[] {
    const { trials, source } = this;
    this.source = history;
    // The same array: it has grown or is unchanged.
    if (source === history && history.length >= trials.length) return [];
    const length = Math.min(trials.length, history.length);
    let common = 0;
    while (common < length && trials[common] === history[common]) common++;
    return trials.splice(common);
  }
}

/**
 * A fold over the history that remembers its state after each trial, so that a longer history costs only its new trials.
 * Results of trials never change; a history of other objects is folded anew.
 */
export class HistoryFold<S> {
  private readonly states: HistoryMap<S>;

  /** @param step must not mutate its state. */
  constructor(
    private readonly initial: S,
    step: (state: S, trial: TrialResult) => S,
  ) {
    this.states = new HistoryMap((trial, before) => step(before ?? initial, trial));
  }

  at(history: readonly TrialResult[]): S {
    return this.states.at(history).at(-1) ?? this.initial;
  }
}

/** A value for each trial of a history. A longer history costs only its new trials. */
export class HistoryMap<T> {
  private readonly read = new ReadTrials();
  private readonly values: T[] = [];

  /** @param compute gets the trial and the value of the one before it. */
  constructor(private readonly compute: (trial: TrialResult, before: T | undefined) => T) {}

  at(history: readonly TrialResult[]): readonly T[] {
    const { read, values } = this;
    read.keep(history);
    const { trials } = read;
    values.length = trials.length;
    for (let i = trials.length; i < history.length; i++) {
      trials.push(history[i]);
      values.push(this.compute(history[i], values.at(-1)));
    }
    return values;
  }
}

/** The asked networks, updated from one ask to the next. */
export class Asked {
  private readonly read = new ReadTrials();
  private readonly ids = new Set<string>();

  at({ history, pending }: AskContext): AskedIds {
    const { read, ids } = this;
    for (const { genotype } of read.keep(history)) ids.delete(genotypeId(genotype));
    for (let i = read.trials.length; i < history.length; i++) {
      read.trials.push(history[i]);
      ids.add(genotypeId(history[i].genotype));
    }
    const waiting = new Set(pending.map(genotypeId));
    if (waiting.size === 0) return ids;
    return { has: (id) => ids.has(id) || waiting.has(id), size: ids.size + waiting.size };
  }
}
