import type { Choice, Importance } from '../../../experiments/page/api.js';
import { mattering } from '../../charts/importance.js';
import type { CompleteTrials } from './use-complete-trials.js';

/** A decision that trials differ in. */
export interface VaryingDecision {
  readonly name: string;
  /** In ascending order. */
  readonly choices: readonly (Choice | null)[];
}

/** A choice in words; `-`: a part that a network does not have. */
export const choiceName = (choice: Choice | null): string => (choice === null ? '-' : String(choice));

/** Numbers by size, before words by the alphabet, before nothing. */
export function byChoice(a: Choice | null, b: Choice | null): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const rank = (choice: Choice | null): number => (choice === null ? 2 : typeof choice === 'number' ? 0 : 1);
  return rank(a) - rank(b) || String(a).localeCompare(String(b), 'en');
}

/** The decisions that trials differ in, those that matter most for any objective first. */
export function decisionOrder(
  {
    candidates,
    rows,
  }: Pick<CompleteTrials, 'rows'> & {
    readonly candidates: { readonly choices: ReadonlyMap<string, readonly (Choice | null)[]> };
  },
  importances: readonly Importance[],
): readonly VaryingDecision[] {
  const order = new Map(mattering(importances).map((name, i) => [name, i]));
  const place = (name: string): number => order.get(name) ?? order.size;
  return [...candidates.choices]
    .flatMap(([name, column]) => {
      const choices = new Set(rows.map((row) => column[row]));
      return choices.size < 2 ? [] : [{ name, choices: [...choices].sort(byChoice) }];
    })
    .sort((a, b) => place(a.name) - place(b.name));
}
