import type { ChartOption, ChartSeries } from '../../ui/charts/echarts.js';
import { plainAxis } from '../../ui/charts/axis.js';
import { frameOf, legendStyle, saying, numbersOf } from '../../ui/charts/frame.js';
import type { MethodSummary } from './summary.js';
import { renderSvg } from '../../ui/charts/svg.js';
import { chartThemes, hueOf, type ChartTheme } from '../../ui/charts/theme.js';

type ComparedMethod = Pick<MethodSummary, 'method' | 'curve'>;

interface Range {
  readonly x: number;
  readonly low: number;
  readonly high: number;
}

const bandSeries = (
  name: string,
  ranges: readonly Range[],
  { color, opacity }: { readonly color: string; readonly opacity: number },
): ChartSeries => ({
  type: 'custom',
  name,
  silent: true,
  clip: true,
  itemStyle: { color },
  // The data gives the axes their extent; the first row draws the whole area.
  dimensions: ['x', 'low', 'high'],
  encode: { x: 'x', y: ['low', 'high'] },
  data: ranges.map(({ x, low, high }) => [x, low, high]),
  renderItem: ({ dataIndex }, api) => {
    if (dataIndex !== 0) return null;
    const line = (side: 'low' | 'high') => ranges.map((range) => api.coord([range.x, range[side]]));
    return {
      type: 'polygon',
      shape: { points: [...line('low'), ...line('high').reverse()] },
      style: { fill: color, opacity },
    };
  },
});

/** The evaluations at which a curve has points: all of the first ones, then fewer and fewer. */
const isDrawn = (n: number, last: number): boolean => n < 100 || n === last || n % Math.ceil(n / 100) === 0;

/** The start of the vertical axis: slightly below the lowest curve after a tenth of the evaluations. */
function lowest(methods: readonly ComparedMethod[]): number {
  const early = methods.map(({ curve }) => curve[Math.floor(curve.length / 10)]?.low ?? 0);
  return Math.max(0, Math.floor(50 * Math.min(...early)) / 50 - 0.02);
}

/** Hypervolume over evaluations: the median as a line, the middle half as a band. */
function comparisonOption(input: {
  readonly methods: readonly ComparedMethod[];
  readonly subtitle: readonly string[];
  readonly theme: ChartTheme;
}): ChartOption {
  const { methods, subtitle, theme } = input;
  const bottom = lowest(methods);
  const clipped = (value: number): number => Math.max(bottom, value);
  const last = Math.max(1, ...methods.map(({ curve }) => curve.length));
  return {
    ...frameOf(theme, 1, { title: 'Controllers on a table of results', subtitle }),
    xAxis: { ...plainAxis(theme, 'evaluations'), min: 0, max: last },
    yAxis: {
      ...plainAxis(theme, "share of the true frontier's hypervolume", (value) => value.toFixed(2)),
      min: bottom,
      max: 1,
      nameGap: 44,
    },
    legend: { ...legendStyle(theme), data: methods.map(({ method }) => method) },
    tooltip: saying(theme, (at) => {
      const [n, median] = numbersOf(at);
      return `${at.seriesName ?? ''}\nafter ${n} evaluations: ${median.toFixed(3)}`;
    }),
    series: methods.flatMap(({ method, curve }, i): ChartSeries[] => {
      const color = hueOf(theme, i);
      const rows = curve.flatMap(({ low, median, high }, n) =>
        isDrawn(n, curve.length - 1)
          ? [{ x: n + 1, low: clipped(low), median: clipped(median), high: clipped(high) }]
          : [],
      );
      return [
        {
          type: 'line',
          name: method,
          showSymbol: false,
          itemStyle: { color },
          lineStyle: { color, width: 1.8 },
          data: rows.map(({ x, median }) => [x, median]),
        },
        bandSeries(method, rows, { color, opacity: 0.15 }),
      ];
    }),
  };
}

/** The hypervolume of several controllers, as SVG. */
export const renderComparison = (methods: readonly ComparedMethod[], subtitle: readonly string[]): string =>
  renderSvg(comparisonOption({ methods, subtitle, theme: chartThemes.light }), { width: 900, height: 560 });
