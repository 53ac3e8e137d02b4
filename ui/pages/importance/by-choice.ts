import type { Choice } from '../../../experiments/page/api.js';
import { quantile } from '../../charts/quantile.js';
import { byChoice } from './decision-order.js';

/** A trial that has chosen something, and its value of an objective. */
export interface ChoiceValue {
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
