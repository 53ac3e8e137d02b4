import { groupBy } from '../../../base/group.js';
import { useMemo } from 'preact/hooks';
import { quantile } from '../../../base/statistics.js';
import type { Choice, Importance } from '../../../reports/page/api.js';
import { useRun, useThrottled } from '../../data/hooks.js';
import { extentOf } from '../../charts/axis.js';
import type { HeatCell } from '../../charts/heat-map.js';
import { mostImportant } from '../../charts/importance.js';
import type { Candidates } from '../../data/candidates.js';
import type { Field } from '../../data/fields.js';

/** The complete trials, each in its chosen precision, as rows of the run's columns. */
export interface CompleteTrials {
  readonly candidates: Candidates;
  readonly rows: readonly number[];
  readonly frontier: ReadonlySet<number>;
}

/** The shortest time between two updates, ms: charts of all trials are expensive. */
const interval = 2000;

export function useCompleteTrials(): CompleteTrials {
  const { live } = useRun();
  const version = useThrottled(live.version, interval);
  const members = useThrottled(live.frontier, interval);
  return useMemo(() => {
    const { candidates } = live;
    const rows = candidates.number.flatMap((_, row) =>
      candidates.chosen[row] && candidates.state[row] === 'complete' ? [row] : [],
    );
    return { candidates, rows, frontier: new Set(members.map(({ number }) => number)) };
  }, [live, version, members]);
}

/** The choice of a row; null where its network lacks that part. */
export const choiceOf = ({ candidates }: CompleteTrials, decision: string, row: number): Choice | null =>
  candidates.choices.get(decision)?.[row] ?? null;

/** The value of a measure in a row; null where it is unknown. */
export const valueOf = ({ candidates }: CompleteTrials, name: string, row: number): number | null =>
  candidates.values.get(name)?.[row] ?? null;

/** A decision with several choices among the complete trials. */
export interface VaryingDecision {
  readonly name: string;
  /** Sorted by `byChoice`. */
  readonly choices: readonly (Choice | null)[];
}

/** The field of a decision, whose name may differ from it. */
export const fieldOfDecision = (fields: readonly Field[], name: string): Field | undefined =>
  fields.find(({ group, title }) => group === 'decision' && title === name);

export const choiceName = (choice: Choice | null): string => (choice === null ? '-' : String(choice));

/** Sorts numbers before words before null. */
function byChoice(a: Choice | null, b: Choice | null): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const rank = (choice: Choice | null): number => (choice === null ? 2 : typeof choice === 'number' ? 0 : 1);
  return rank(a) - rank(b) || String(a).localeCompare(String(b), 'en');
}

/** The decisions with several choices, most important first. */
export function decisionOrder(
  { candidates, rows }: CompleteTrials,
  importances: readonly Importance[],
): readonly VaryingDecision[] {
  const order = new Map(mostImportant(importances).map((name, i) => [name, i]));
  const rankOf = ({ name }: VaryingDecision): number => order.get(name) ?? order.size;
  return [...candidates.choices]
    .flatMap(([name, column]) => {
      const choices = new Set(rows.map((row) => column[row]));
      return choices.size < 2 ? [] : [{ name, choices: [...choices].sort(byChoice) }];
    })
    .sort((a, b) => rankOf(a) - rankOf(b));
}

interface ChoiceValue {
  readonly choice: Choice | null;
  readonly value: number;
  readonly number: number;
}

export interface ChoiceGroup {
  readonly choice: Choice | null;
  readonly count: number;
  readonly least: number;
  /** The 25th percentile, the median and the 75th percentile, interpolated. */
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
  readonly greatest: number;
  /** Sorted by value. */
  readonly members: readonly ChoiceValue[];
}

export function choiceGroups(values: readonly ChoiceValue[]): readonly ChoiceGroup[] {
  return [...groupBy(values, ({ choice }) => choice)]
    .map(([choice, some]) => {
      const members = some.toSorted((a, b) => a.value - b.value);
      const sorted = members.map(({ value }) => value);
      const [least, lower, median, upper, greatest] = [0, 0.25, 0.5, 0.75, 1].map((share) => quantile(sorted, share));
      return { choice, count: members.length, least, lower, median, upper, greatest, members };
    })
    .sort((a, b) => byChoice(a.choice, b.choice));
}

/** The most choices of a decision that are drawn. */
export const mostChoices = 30;

/** The cells of two decisions that have trials, row by row. */
export function heatCells(
  trials: CompleteTrials,
  columns: VaryingDecision,
  rows: VaryingDecision,
  measure: string,
): readonly HeatCell[] {
  const [places, downs] = [columns, rows].map(({ choices }) => new Map(choices.map((choice, i) => [choice, i])));
  const values = new Map<number, number[]>();
  for (const trial of trials.rows) {
    const value = valueOf(trials, measure, trial);
    const column = places.get(choiceOf(trials, columns.name, trial)) ?? mostChoices;
    const row = downs.get(choiceOf(trials, rows.name, trial)) ?? mostChoices;
    if (value === null || column >= mostChoices || row >= mostChoices) continue;
    const at = row * mostChoices + column;
    const own = values.get(at);
    if (own === undefined) values.set(at, [value]);
    else own.push(value);
  }
  return [...values]
    .sort(([a], [b]) => a - b)
    .map(([at, own]) => {
      const count = own.length;
      const mean = own.reduce((sum, value) => sum + value, 0) / count;
      const squares = own.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      const deviation = count < 2 ? null : Math.sqrt(squares / (count - 1));
      const error = deviation === null ? null : deviation / Math.sqrt(count);
      const [least, greatest] = extentOf(own) ?? [mean, mean];
      return {
        column: at % mostChoices,
        row: Math.floor(at / mostChoices),
        count,
        mean,
        deviation,
        error,
        least,
        greatest,
      };
    });
}
