import type { Choice } from '../../../experiments/page/api.js';
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

/** The value below which a share of sorted values lies, between two of them in proportion. */
function quantile(sorted: readonly ChoiceValue[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const { value } = sorted[below];
  return below + 1 < sorted.length ? value + (at - below) * (sorted[below + 1].value - value) : value;
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
      return {
        choice,
        count: members.length,
        least: quantile(members, 0),
        lower: quantile(members, 0.25),
        median: quantile(members, 0.5),
        upper: quantile(members, 0.75),
        greatest: quantile(members, 1),
        members,
      };
    })
    .sort((a, b) => byChoice(a.choice, b.choice));
}
