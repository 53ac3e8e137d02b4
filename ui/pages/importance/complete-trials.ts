import { useMemo } from 'preact/hooks';
import { quantile } from '../../charts/points.js';
import type { Choice, Importance } from '../../../experiments/page/api.js';
import { useRun, useSeldom } from '../../app/hooks.js';
import type { Candidates } from '../../data/candidates.js';
import { mattering } from '../../charts/importance.js';

/** The trials that have ended well, in the precision in which each is judged, as rows of the run's columns. */
export interface CompleteTrials {
  readonly candidates: Candidates;
  /** Rows. */
  readonly rows: readonly number[];
  /** Numbers of the trials on the frontier. */
  readonly frontier: ReadonlySet<number>;
}

/** Pictures of all trials are made anew this often at most, ms. */
const rest = 2000;

export function useCompleteTrials(): CompleteTrials {
  const { live } = useRun();
  const version = useSeldom(live.version, rest);
  const members = useSeldom(live.frontier, rest);
  return useMemo(() => {
    const { candidates } = live;
    const rows = candidates.number.flatMap((_, row) =>
      candidates.chosen[row] && candidates.state[row] === 'complete' ? [row] : [],
    );
    return { candidates, rows, frontier: new Set(members.map(({ number }) => number)) };
  }, [live, version, members]);
}

/** What a row has chosen; null where its network has no such part. */
export const choiceOf = ({ candidates }: CompleteTrials, decision: string, row: number): Choice | null =>
  candidates.choices.get(decision)?.[row] ?? null;

/** The value of an objective, or another measure, in a row; null where it is not known. */
export const valueOf = ({ candidates }: CompleteTrials, name: string, row: number): number | null =>
  candidates.values.get(name)?.[row] ?? null;

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

/** A trial that has chosen something, and its value of an objective. */
interface ChoiceValue {
  readonly choice: Choice | null;
  readonly value: number;
  readonly number: number;
}

/** What trials with the same choice reached. */
export interface ChoiceGroup {
  readonly choice: Choice | null;
  readonly count: number;
  readonly least: number;
  /** 25th percentile, median, and 75th percentile, between samples where there is none. */
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
  readonly greatest: number;
  /** In ascending order. */
  readonly members: readonly ChoiceValue[];
}

/** Trials by what they chose; choices in their order. */
export function choiceGroups(values: readonly ChoiceValue[]): readonly ChoiceGroup[] {
  const groups = new Map<Choice | null, ChoiceValue[]>();
  for (const value of values) {
    const group = groups.get(value.choice);
    if (group === undefined) groups.set(value.choice, [value]);
    else group.push(value);
  }
  return [...groups]
    .map(([choice, some]) => {
      const members = some.toSorted((a, b) => a.value - b.value);
      const sorted = members.map(({ value }) => value);
      const [least, lower, median, upper, greatest] = [0, 0.25, 0.5, 0.75, 1].map((share) => quantile(sorted, share));
      return { choice, count: members.length, least, lower, median, upper, greatest, members };
    })
    .sort((a, b) => byChoice(a.choice, b.choice));
}
