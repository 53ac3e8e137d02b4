import { certaintyText, estimateText, isSure } from '../../base/certainty.js';
import { type Unit, valueText } from '../../base/number-text.js';
import type { Certainty, MeasureText, ReportData, RunSummary, StoredPrecision } from '../../reports/page/api.js';

/** How the candidates of a run are evaluated. */
export const evaluationTexts: { readonly [E in RunSummary['evaluation']]: string } = {
  training: 'by training',
  table: 'from a table of results',
  study: 'by programs of the user',
};

type Measures = Readonly<Record<string, MeasureText>>;

/** The measure with this name; undefined for a user's own. */
export const measureOf = (measures: Measures, name: string): MeasureText | undefined =>
  Object.hasOwn(measures, name) ? measures[name] : undefined;

/** The title of a measure: `latency`. A user's own measure has its name as title. */
export const titleOf = (measures: Measures, name: string): string => measureOf(measures, name)?.title ?? name;

const unitOf = (measures: Measures, name: string): Unit => measureOf(measures, name)?.unit ?? 'score';

/** A value in the unit of its measure; `-` without one. */
export const textOf = (measures: Measures, name: string, value: number | null | undefined): string =>
  valueText(unitOf(measures, name), value);

/** The same with its standard error: `87.03 % ± 1.1`. */
export const textWithError = (
  measures: Measures,
  name: string,
  value: number | null | undefined,
  certainty: Certainty | null | undefined,
): string => estimateText(unitOf(measures, name), value, certainty?.standardError);

/** The interval of a value, and why it is not reliable; undefined where nothing is known. */
export const hoverOf = (
  measures: Measures,
  name: string,
  certainty: Certainty | null | undefined,
): string | undefined =>
  certainty === null || certainty === undefined ? undefined : certaintyText(unitOf(measures, name), certainty);

export const isAccuracy = (measures: Measures, name: string): boolean =>
  measureOf(measures, name)?.evaluation !== undefined;

type Wanted = Pick<ReportData, 'objectives' | 'measures'>;

/** The accuracy among the objectives; undefined without one. */
export function searchedAccuracy({ objectives, measures }: Wanted): MeasureText | undefined {
  const name = objectives.map((objective) => objective.name).find((each) => isAccuracy(measures, each));
  return name === undefined ? undefined : measures[name];
}

/** The title of the search's accuracy when it is not that of trainings; else null. */
export function unusualAccuracy(wanted: Wanted): string | null {
  const accuracy = searchedAccuracy(wanted);
  return accuracy === undefined || accuracy.evaluation === 'train' ? null : accuracy.title;
}

/** Whether candidates are evaluated as slices of the supernet, without training. */
export const sliced = (wanted: Wanted): boolean => searchedAccuracy(wanted)?.evaluation === 'supernet';

export function accuracyAmong<T>(measures: Measures, values: Readonly<Record<string, T>>): T | undefined {
  const name = Object.keys(values).find((each) => isAccuracy(measures, each));
  return name === undefined ? undefined : values[name];
}

/** All precisions, in the order of tables. */
export const precisions = ['fp32', 'int8'] as const satisfies readonly StoredPrecision[];

/** The label of a member: `#12`, or `#12 ?` where its place is not sure. */
export const memberLabel = (number: number, place: Parameters<typeof isSure>[0]): string =>
  isSure(place) ? `#${number}` : `#${number} ?`;
