import { genotypeId } from '../spaces/index.js';
import type { AskContext, Told } from './controller.js';

/** The ids of networks that were asked before. */
export interface AskedIds {
  readonly size: number;
  has(id: string): boolean;
}

/** The trials that were read before, of a history that mostly grows. */
class Read {
  readonly trials: Told[] = [];
  private source: readonly Told[] | undefined;

  /** Forgets the trials that are not at the beginning of a history. @returns those. */
  keep(history: readonly Told[]): Told[] {
    const { trials, source } = this;
    this.source = history;
    // The same array has grown, or is as it was.
    if (source === history && history.length >= trials.length) return [];
    const length = Math.min(trials.length, history.length);
    let common = 0;
    while (common < length && trials[common] === history[common]) common++;
    return trials.splice(common);
  }
}

/**
 * A value folded over the history, remembered for each beginning of it: asking again with a longer history costs only
 * what is new. The result is that of folding from the start, as trials that were told never change; a history of
 * other objects is folded anew.
 */
export class HistoryFold<S> {
  private readonly read = new Read();
  private readonly states: S[] = [];

  /** @param step must not change the state it is given. */
  constructor(
    private readonly initial: S,
    private readonly step: (state: S, told: Told) => S,
  ) {}

  at(history: readonly Told[]): S {
    const { read, states } = this;
    read.keep(history);
    const { trials } = read;
    states.length = trials.length;
    let state = states.at(-1) ?? this.initial;
    for (let i = trials.length; i < history.length; i++) {
      trials.push(history[i]);
      states.push((state = this.step(state, history[i])));
    }
    return state;
  }
}

/** A function of single trials, which never change: what it gave for a trial is kept as long as the trial is. */
export function perTrial<T>(compute: (told: Told) => T): (told: Told) => T {
  const known = new WeakMap<Told, { readonly value: T }>();
  return (told) => {
    const found = known.get(told) ?? { value: compute(told) };
    known.set(told, found);
    return found.value;
  };
}

/** Which networks were asked before, kept up from one ask to the next. */
export class Asked {
  private readonly read = new Read();
  private readonly ids = new Set<string>();

  /** The ids of all networks asked: of the history and of what is pending. */
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
