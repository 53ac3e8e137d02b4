import { quantile } from '../../base/statistics.js';
import { textOf } from '../data/measures.js';
import { axisStyle, extentOf, spansDecades, valueAxis, type Measures } from './axis.js';
import { frameOf, itemOf, numbersOf, plainText, saying } from './frame.js';
import type { ChartTheme } from './theme.js';
import { thinned } from './points.js';
import type { ChartOption } from './echarts.js';

interface ChoiceMark {
  readonly value: number;
  readonly key?: unknown;
  /** Whether its trial is on the frontier: such marks are always drawn. */
  readonly onFrontier?: boolean;
  /** In its tooltip: `#12`. */
  readonly label?: string;
}

export interface ChoiceGroup {
  readonly choice: string;
  readonly values: readonly ChoiceMark[];
}

interface ChoicesInput {
  /** The title of the horizontal axis. */
  readonly decision: string;
  readonly groups: readonly ChoiceGroup[];
  readonly measure: string;
  readonly measures: Measures;
  readonly theme: ChartTheme;
}

/** The most marks of a group, besides the frontier's. Its box counts all values. */
const mostMarks = 300;

/** The horizontal offset of a mark, spread by the golden ratio. */
const spread = (i: number): number => 0.5 * (((i + 1) * 0.618034) % 1) - 0.25;

/** The values of a measure by choice: a box from the 25th to the 75th percentile with the median, and marks for trials. */
export function choicesOption(input: ChoicesInput): ChartOption {
  const { decision, groups, measure, measures, theme } = input;
  const category = axisStyle(theme);
  const extent = extentOf(groups.flatMap(({ values }) => values.map(({ value }) => value)));
  const boxes = groups.flatMap(({ values }, i) => {
    if (values.length === 0) return [];
    const sorted = values.map(({ value }) => value).sort((a, b) => a - b);
    return [[i, ...[0.25, 0.5, 0.75].map((share) => quantile(sorted, share)), values.length]];
  });
  const marks = groups.flatMap(({ values }, i) =>
    thinned(values, mostMarks, ({ onFrontier }) => onFrontier === true).map((mark, n) => ({
      value: [i + spread(n), mark.value],
      key: mark.key,
      mark,
    })),
  );
  const write = (value: number): string => textOf(measures, measure, value);
  return {
    ...frameOf(theme),
    xAxis: [
      {
        ...category,
        type: 'category',
        name: plainText(decision),
        nameGap: 42,
        data: groups.map(({ choice, values }) => `${plainText(choice)}\nn = ${values.length}`),
        axisLabel: { ...category.axisLabel, lineHeight: 15 },
        splitLine: { show: false },
      },
      { type: 'value', show: false, min: -0.5, max: groups.length - 0.5 },
    ],
    yAxis: { ...valueAxis({ measure, measures, theme, extent, log: spansDecades(extent) }), nameGap: 50 },
    tooltip: saying(theme, (at) => {
      const mark = itemOf(at.data, 'mark') as ChoiceMark | undefined;
      if (mark !== undefined) return `${mark.label === undefined ? '' : `${mark.label}: `}${write(mark.value)}`;
      const [i, low, median, high, count] = numbersOf(at);
      return `${decision}: ${groups[i].choice}\n${count} trials\nmedian ${write(median)}\nmiddle half ${write(low)} to ${write(high)}`;
    }),
    series: [
      {
        type: 'scatter',
        xAxisIndex: 1,
        symbolSize: 4,
        z: 3,
        itemStyle: { color: theme.faint, opacity: 0.6 },
        data: marks.filter(({ mark }) => mark.onFrontier !== true),
      },
      {
        type: 'custom',
        xAxisIndex: 1,
        // Below the marks, so that the pointer reaches them.
        z: 2,
        dimensions: ['choice', 'low', 'median', 'high', 'count'],
        encode: { x: 'choice', y: ['low', 'median', 'high'] },
        data: boxes,
        renderItem: (_, api) => {
          const at = Number(api.value(0));
          const [left, foot] = api.coord([at - 0.3, api.value(1)]);
          const [right, head] = api.coord([at + 0.3, api.value(3)]);
          const [, middle] = api.coord([at, api.value(2)]);
          const style = { fill: theme.search, fillOpacity: 0.12, stroke: theme.search, lineWidth: 1.4 };
          return {
            type: 'group',
            children: [
              { type: 'rect', shape: { x: left, y: head, width: right - left, height: foot - head }, style },
              {
                type: 'line',
                shape: { x1: left, y1: middle, x2: right, y2: middle },
                style: { stroke: theme.search, lineWidth: 2.4 },
              },
            ],
          };
        },
      },
      {
        type: 'scatter',
        xAxisIndex: 1,
        symbol: 'diamond',
        symbolSize: 10,
        z: 4,
        itemStyle: { color: theme.search, borderColor: theme.card, borderWidth: 1 },
        data: marks.filter(({ mark }) => mark.onFrontier === true),
      },
    ],
  };
}
