import type { ChartOption } from './echarts.js';
import { plainAxis, shareTick, valueAxis, type Measures } from './axis.js';
import { frameOf, legendStyle, numbersOf, saying } from './frame.js';
import { dashOf, hueOf, type ChartTheme } from './theme.js';

export interface Distribution {
  readonly name: string;
  readonly values: readonly number[];
}

/** The most steps of a line. */
const mostSteps = 500;

/** The empirical distribution function: for each value, the share of values that are at most as large. */
export function distributionOf(values: readonly number[]): readonly (readonly [value: number, share: number])[] {
  const ascending = values.toSorted((a, b) => a - b);
  const stride = Math.max(1, Math.ceil(ascending.length / mostSteps));
  const steps = ascending.flatMap((value, i) =>
    i % stride === stride - 1 || i === ascending.length - 1 ? [[value, (i + 1) / ascending.length] as const] : [],
  );
  return ascending.length === 0 ? [] : [[ascending[0], 0], ...steps];
}

/** Empirical distribution functions of a measure, as steps; dashes tell the lines apart. */
export function distributionOption(input: {
  readonly lines: readonly Distribution[];
  readonly measure: string;
  readonly measures: Measures;
  readonly theme: ChartTheme;
}): ChartOption {
  const { lines, measure, measures, theme } = input;
  const frame = frameOf(theme, {}, { rows: 1 });
  const all = lines.flatMap(({ values }) => values);
  const extent =
    all.length === 0 ? null : ([all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))] as const);
  return {
    ...frame,
    xAxis: valueAxis({ measure, measures, theme, extent, log: false }),
    yAxis: { ...plainAxis(theme, 'share of trials', shareTick), min: 0, max: 1, nameGap: 48 },
    legend: { ...legendStyle(theme), data: lines.map(({ name }) => name) },
    tooltip: {
      ...frame.tooltip,
      formatter: saying((at) => {
        const [value, share] = numbersOf(at);
        return `${at.seriesName ?? ''}\n${(100 * share).toFixed(0)} % are at most ${Number(value.toPrecision(5))}`;
      }),
    },
    series: lines.map(({ name, values }, i) => ({
      type: 'line',
      name,
      step: 'end',
      showSymbol: false,
      itemStyle: { color: hueOf(theme, i) },
      lineStyle: { color: hueOf(theme, i), width: 1.8, type: dashOf(i) },
      data: distributionOf(values).map(([value, share]) => [value, share]),
    })),
  };
}
