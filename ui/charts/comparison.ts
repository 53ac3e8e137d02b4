import { bandSeries } from './band.js';
import { plainAxis } from './axis.js';
import { frameOf, legendLook, saying, numbersOf } from './frame.js';
import type { ComparedMethod } from './compared-method.js';
import { hueOf, type Look } from './look.js';
import type { ChartOption, ChartSeries } from './option.js';

/** Evaluations at which a curve of many is drawn: each of the first, then ever fewer. */
const isDrawn = (n: number, last: number): boolean => n < 100 || n === last || n % Math.ceil(n / 100) === 0;

/** Where the vertical axis begins: a little below the lowest curve after a tenth of the evaluations. */
function lowest(methods: readonly ComparedMethod[]): number {
  const early = methods.map(({ curve }) => curve[Math.floor(curve.length / 10)]?.low ?? 0);
  return Math.max(0, Math.floor(50 * Math.min(...early)) / 50 - 0.02);
}

/** Hypervolume over evaluations: the median as a line, the middle half as a band around it. */
export function comparisonOption(input: {
  readonly methods: readonly ComparedMethod[];
  readonly subtitle: readonly string[];
  readonly look: Look;
}): ChartOption {
  const { methods, subtitle, look } = input;
  const bottom = lowest(methods);
  const clipped = (value: number): number => Math.max(bottom, value);
  const frame = frameOf(look, { title: 'Controllers on a table of results', subtitle }, { rows: 1 });
  const last = Math.max(1, ...methods.map(({ curve }) => curve.length));
  return {
    ...frame,
    xAxis: { ...plainAxis(look, 'evaluations'), min: 0, max: last },
    yAxis: {
      ...plainAxis(look, "share of the true frontier's hypervolume", (value) => value.toFixed(2)),
      min: bottom,
      max: 1,
      nameGap: 44,
    },
    legend: { ...legendLook(look), data: methods.map(({ method }) => method) },
    tooltip: {
      ...frame.tooltip,
      formatter: saying((at) => {
        const [n, median] = numbersOf(at);
        return `${at.seriesName ?? ''}\nafter ${n} evaluations: ${median.toFixed(3)}`;
      }),
    },
    series: methods.flatMap(({ method, curve }, i): ChartSeries[] => {
      const color = hueOf(look, i);
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
