import { valueText } from '../../base/number-text.js';
import type { MeasureText, ReportData, StoredPrecision } from '../../experiments/page/api.js';

type Measures = Readonly<Record<string, MeasureText>>;

/** How a measure is called: `latency`; names that users gave are their own titles. */
export const titleOf = (measures: Measures, name: string): string =>
  Object.hasOwn(measures, name) ? measures[name].title : name;

/** A value as tables show it, in its measure's unit; `-` for none. */
export const textOf = (measures: Measures, name: string, value: number | null | undefined): string =>
  valueText(Object.hasOwn(measures, name) ? measures[name].unit : 'score', value);

/** The measure of a name; undefined for what users name themselves. */
export const measureOf = (measures: Measures, name: string): MeasureText | undefined =>
  Object.hasOwn(measures, name) ? measures[name] : undefined;

/** Whether a name is that of an accuracy, of whatever kind. */
export const isAccuracy = (measures: Measures, name: string): boolean =>
  measureOf(measures, name)?.evaluation !== undefined;

type Wanted = Pick<ReportData, 'objectives' | 'measures'>;

/** The accuracy that a search went by, of whatever kind; undefined where it went by none. */
export function searchedAccuracy({ objectives, measures }: Wanted): MeasureText | undefined {
  const name = objectives.map((objective) => objective.name).find((each) => isAccuracy(measures, each));
  return name === undefined ? undefined : measures[name];
}

/** How the accuracy is called that the search went by, where it is not what trainings come to; else null. */
export function unusualAccuracy(wanted: Wanted): string | null {
  const accuracy = searchedAccuracy(wanted);
  return accuracy === undefined || accuracy.evaluation === 'train' ? null : accuracy.title;
}

/** Whether candidates are slices of the supernet as they are: nothing is trained in the search. */
export const sliced = (wanted: Wanted): boolean => searchedAccuracy(wanted)?.evaluation === 'supernet';

/** The accuracy among values by name, of whichever kind it is. */
export function accuracyAmong<T>(measures: Measures, values: Readonly<Record<string, T>>): T | undefined {
  const name = Object.keys(values).find((each) => isAccuracy(measures, each));
  return name === undefined ? undefined : values[name];
}

/** All that networks are judged in, in the order in which they are named. */
export const precisions = ['fp32', 'int8'] as const satisfies readonly StoredPrecision[];
