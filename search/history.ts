import { genotypeId } from '../spaces/index.js';
import type { AskContext, Told } from './controller.js';

/** The ids of networks that were asked before. */
export interface AskedIds {
  readonly size: number;
  has(id: string): boolean;
}

/** How many first elements two lists have in common, by identity. */
function commonPrefix(a: readonly Told[], b: readonly Told[]): number {
  const length = Math.min(a.length, b.length);
  let i = 0;
  while (i < length && a[i] === b[i]) i++;
  return i;
}

/**
 * A value folded over the history, remembered for each beginning of it: asking again with a longer history costs only
 * what is new. The result is that of folding from the start, as trials that were told never change; a history of
 * other objects is folded anew.
 */
export class HistoryFold<S> {
  private readonly seen: Told[] = [];
  private readonly states: S[] = [];

  /** @param step must not change the state it is given. */
  constructor(
    private readonly initial: S,
    private readonly step: (state: S, told: Told) => S,
  ) {}

  at(history: readonly Told[]): S {
    const { seen, states } = this;
    seen.length = states.length = commonPrefix(seen, history);
    let state = states.at(-1) ?? this.initial;
    for (let i = seen.length; i < history.length; i++) {
      seen.push(history[i]);
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
  private readonly seen: Told[] = [];
  private readonly ids = new Set<string>();

  /** The ids of all networks asked: of the history and of what is pending. */
  at({ history, pending }: AskContext): AskedIds {
    const { seen, ids } = this;
    const known = commonPrefix(seen, history);
    for (const { genotype } of seen.splice(known)) ids.delete(genotypeId(genotype));
    for (let i = known; i < history.length; i++) {
      seen.push(history[i]);
      ids.add(genotypeId(history[i].genotype));
    }
    const waiting = new Set(pending.map(genotypeId));
    if (waiting.size === 0) return ids;
    return { has: (id) => ids.has(id) || waiting.has(id), size: ids.size + waiting.size };
  }
}
