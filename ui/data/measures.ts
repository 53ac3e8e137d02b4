import type { MeasureText, Objective, ReportData } from '../../experiments/page/api.js';

type Measures = ReportData['measures'];

/** The measure of a name; undefined for what users name themselves. */
export const measureOf = (measures: Measures, name: string): MeasureText | undefined =>
  Object.hasOwn(measures, name) ? measures[name] : undefined;

/** Whether a name is that of an accuracy, of whatever kind. */
export const isAccuracy = (measures: Measures, name: string): boolean =>
  measureOf(measures, name)?.evaluation !== undefined;

/** The kind of accuracy that a search went by, by its name; undefined where it went by none. */
export const searchedAccuracy = (objectives: readonly Pick<Objective, 'name'>[], measures: Measures) =>
  objectives.map(({ name }) => name).find((name) => isAccuracy(measures, name));

/** The accuracy among values by name, of whichever kind it is. */
export function accuracyAmong<T>(measures: Measures, values: Readonly<Record<string, T>>): T | undefined {
  const name = Object.keys(values).find((each) => isAccuracy(measures, each));
  return name === undefined ? undefined : values[name];
}
