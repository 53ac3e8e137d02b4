import { textOf } from '../data/text.js';
import { axisLook, extentOf, valueAxis, type Measures } from './axis.js';
import { frameOf, saying, type Heading } from './frame.js';
import type { Look } from './look.js';
import type { ChartOption } from './option.js';

/** The values of trials that made one choice. */
export interface ChoiceGroup {
  readonly choice: string;
  readonly values: readonly { readonly value: number; readonly key?: unknown }[];
}

export interface ChoicesInput extends Heading {
  /** What was decided: the horizontal axis. */
  readonly decision: string;
  readonly groups: readonly ChoiceGroup[];
  readonly measure: string;
  readonly measures: Measures;
  readonly look: Look;
}

/** Of each group at most so many values are marks of their own; the box is of all. */
const mostMarks = 300;

/** A value and its neighbours in a sorted list, interpolated (R's type 7). */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const [a, b] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return a + (at - Math.floor(at)) * (b - a);
}

/** Evenly taken, so that the same values are always shown. */
const thinned = <T>(values: readonly T[]): readonly T[] => {
  const step = Math.max(1, values.length / mostMarks);
  return Array.from({ length: Math.min(values.length, mostMarks) }, (_, i) => values[Math.floor(i * step)]);
};

/** Where marks stand beside the middle of their box: spread by the golden ratio, which repeats nowhere. */
const spread = (i: number): number => 0.5 * (((i + 1) * 0.618034) % 1) - 0.25;

/** What a measure came to by choice: the middle half as a box with its median, and the trials as marks over it. */
export function choicesOption(input: ChoicesInput): ChartOption {
  const { decision, groups, measure, measures, look, ...heading } = input;
  const frame = frameOf(look, heading, { rows: 0 });
  const category = axisLook(look);
  const extent = extentOf(groups.flatMap(({ values }) => values.map(({ value }) => value)));
  const boxes = groups.flatMap(({ values }, i) => {
    if (values.length === 0) return [];
    const sorted = values.map(({ value }) => value).sort((a, b) => a - b);
    return [[i, ...[0.25, 0.5, 0.75].map((share) => quantile(sorted, share)), values.length]];
  });
  const says = (value: number): string => textOf(measures, measure, value);
  return {
    ...frame,
    xAxis: [
      {
        ...category,
        type: 'category',
        name: decision,
        nameGap: 32,
        data: groups.map(({ choice }) => choice),
        splitLine: { show: false },
      },
      { type: 'value', show: false, min: -0.5, max: groups.length - 0.5 },
    ],
    yAxis: { ...valueAxis({ measure, measures, look, extent, log: false }), nameGap: 50 },
    tooltip: {
      ...frame.tooltip,
      formatter: saying(({ data, value }) => {
        const numbers = Array.isArray(value) ? value.map(Number) : [];
        if (!Array.isArray(data)) return says(numbers[1]);
        const [i, low, median, high, count] = numbers;
        return `${decision}: ${groups[i].choice}\n${count} trials\nmedian ${says(median)}\nmiddle half ${says(low)} to ${says(high)}`;
      }),
    },
    series: [
      {
        type: 'scatter',
        xAxisIndex: 1,
        symbolSize: 4,
        itemStyle: { color: look.faint, opacity: 0.5 },
        data: groups.flatMap(({ values }, i) =>
          thinned(values).map(({ value, key }, n) => ({ value: [i + spread(n), value], key })),
        ),
      },
      {
        type: 'custom',
        xAxisIndex: 1,
        dimensions: ['choice', 'low', 'median', 'high', 'count'],
        encode: { x: 'choice', y: ['low', 'median', 'high'] },
        data: boxes,
        renderItem: (_, api) => {
          const at = Number(api.value(0));
          const [left, foot] = api.coord([at - 0.3, api.value(1)]);
          const [right, head] = api.coord([at + 0.3, api.value(3)]);
          const [, middle] = api.coord([at, api.value(2)]);
          const style = { fill: look.search, fillOpacity: 0.12, stroke: look.search, lineWidth: 1.4 };
          return {
            type: 'group',
            children: [
              { type: 'rect', shape: { x: left, y: head, width: right - left, height: foot - head }, style },
              {
                type: 'line',
                shape: { x1: left, y1: middle, x2: right, y2: middle },
                style: { stroke: look.search, lineWidth: 2.4 },
              },
            ],
          };
        },
      },
    ],
  };
}
