import { valueText } from '../../base/number-text.js';
import type { MeasureText } from '../../experiments/page/api.js';

type Measures = Readonly<Record<string, MeasureText>>;

/** How a measure is called: `latency`; names that users gave are their own titles. */
export const titleOf = (measures: Measures, name: string): string =>
  Object.hasOwn(measures, name) ? measures[name].title : name;

/** A value as tables show it, in its measure's unit; `-` for none. */
export const textOf = (measures: Measures, name: string, value: number | null | undefined): string =>
  valueText(Object.hasOwn(measures, name) ? measures[name].unit : 'score', value);
