import { ms } from '../../base/number-text.js';
import { axisStyle, extentOf, plainAxis } from './axis.js';
import { frameOf, numbersOf, saying, type Heading } from './frame.js';
import { font, type ChartTheme } from './theme.js';
import type { ChartOption } from './echarts.js';

export interface HistogramInput extends Heading {
  /** ms. */
  readonly samples: readonly number[];
  readonly percentiles: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** What the latency is said to be, and its 95 % confidence interval, ms. */
  readonly ms: number;
  readonly interval: readonly [low: number, high: number];
  readonly theme: ChartTheme;
}

export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

const mostBins = 60;

/** The value below which a share of sorted values lies. */
const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

/** Bins of equal width by the rule of Freedman and Diaconis (1981), at most 60; the few slowest samples make it no coarser. */
export function binsOf(samples: readonly number[]): readonly Bin[] {
  const extent = extentOf(samples);
  if (extent === null) return [];
  const [low, high] = extent;
  if (low === high) return [{ from: low, to: high, count: samples.length }];
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = quantile(sorted, 0.75) - quantile(sorted, 0.25);
  const ideal = Math.ceil((high - low) / ((2 * middle) / Math.cbrt(samples.length)));
  const bins = Math.max(1, Math.min(mostBins, ideal));
  const width = (high - low) / bins;
  const counts = new Array<number>(bins).fill(0);
  for (const sample of samples) counts[Math.min(bins - 1, Math.floor((sample - low) / width))]++;
  return counts.map((count, i) => ({ from: low + i * width, to: low + (i + 1) * width, count }));
}

/** The distribution of a latency's samples, its percentiles as lines, and what its mean is known to lie in as a band. */
export function histogramOption(input: HistogramInput): ChartOption {
  const { samples, percentiles, interval, theme, ...heading } = input;
  const bins = binsOf(samples);
  const frame = frameOf(theme, heading, { rows: 0 });
  const marks = [
    ...Object.entries(percentiles).map(([name, at]) => ({ name, at, color: theme.soft })),
    { name: 'latency', at: input.ms, color: theme.final },
  ];
  const top = typeof frame.grid.top === 'number' ? frame.grid.top : 0;
  return {
    ...frame,
    grid: { ...frame.grid, top: top + 56 },
    xAxis: { ...plainAxis(theme, 'latency [ms]'), ...outline(input, bins) },
    yAxis: { ...plainAxis(theme, 'samples'), min: 0, minInterval: 1, nameGap: 40 },
    tooltip: {
      ...frame.tooltip,
      formatter: saying((at) => {
        const [, count, from, to] = numbersOf(at);
        return `${count} samples\n${ms(from)} to ${ms(to)}`;
      }),
    },
    series: [
      {
        type: 'custom',
        name: 'samples',
        itemStyle: { color: theme.search, opacity: 0.75 },
        dimensions: ['middle', 'count', 'from', 'to'],
        encode: { x: ['from', 'to'], y: 'count' },
        data: bins.map(({ from, to, count }) => [(from + to) / 2, count, from, to]),
        renderItem: (_, api) => {
          const [left, topEdge] = api.coord([api.value(2), api.value(1)]);
          const [right, foot] = api.coord([api.value(3), 0]);
          return {
            type: 'rect',
            shape: { x: left, y: topEdge, width: Math.max(1, right - left - 1), height: foot - topEdge },
            style: { fill: theme.search, opacity: 0.75 },
          };
        },
        markArea: {
          silent: true,
          animation: false,
          itemStyle: { color: theme.final, opacity: 0.18 },
          data: [[{ xAxis: interval[0] }, { xAxis: interval[1] }]],
        },
        markLine: {
          silent: true,
          symbol: 'none',
          animation: false,
          // Without it, lines stand at values of two decimals: 0.0466 at 0.05.
          precision: 12,
          data: marks.map(({ name, at, color }, i) => ({
            xAxis: at,
            lineStyle: { color, width: 1.3, type: name === 'latency' ? 'solid' : [4, 3] },
            // Neighbours may be close: their names stand above each other.
            label: {
              formatter: `${name} ${ms(at)}`,
              position: 'end',
              distance: 4 + 13 * i,
              color: name === 'latency' ? theme.final : theme.ink,
              fontFamily: font,
              fontSize: 11,
            },
          })),
        },
      },
    ],
  };
}

/** All bins, percentiles and the interval, with a margin. */
function outline({ percentiles, interval, ms: value, theme }: HistogramInput, bins: readonly Bin[]) {
  const all = [...bins.flatMap(({ from, to }) => [from, to]), ...Object.values(percentiles), ...interval, value];
  const [low, high] = extentOf(all) ?? [0, 1];
  const margin = 0.03 * (high - low || high);
  return {
    min: Math.max(0, low - margin),
    max: high + margin,
    axisLabel: { ...axisStyle(theme).axisLabel, ...rounded },
  };
}

/** The ends of the axis are no round numbers. */
const rounded = {
  showMinLabel: false,
  showMaxLabel: false,
  formatter: (value: number): string => String(Number(value.toPrecision(3))),
  hideOverlap: true,
};
