import { ms } from '../../base/number-text.js';
import { quantile } from '../../base/statistics.js';
import { axisStyle, extentOf, plainAxis } from './axis.js';
import type { ChartOption } from './echarts.js';
import { frameOf, markLines, numbersOf, saying } from './frame.js';
import { font, type ChartTheme } from './theme.js';

interface HistogramInput {
  /** ms. */
  readonly samples: readonly number[];
  readonly percentiles: { readonly p50: number; readonly p95: number; readonly p99?: number };
  /** The latency and its 95 % confidence interval, ms. */
  readonly ms: number;
  readonly interval: readonly [low: number, high: number];
  readonly theme: ChartTheme;
}

interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

const mostBins = 60;

/** Slower samples are outside the chart, where they would squeeze all others: beyond p99, or 1.5 times the median. */
export function limitOf(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  if (sorted.length === 0) return 0;
  return Math.min(sorted[sorted.length - 1], Math.max(quantile(sorted, 0.99), 1.5 * quantile(sorted, 0.5)));
}

/** Bins of equal width by Freedman and Diaconis (1981), at most 60. Outliers do not make them coarser. */
export function binsOf(all: readonly number[]): readonly Bin[] {
  const limit = limitOf(all);
  const samples = all.filter((sample) => sample <= limit);
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

interface SampleShares {
  /** The middle of each bin. */
  readonly at: readonly number[];
  /** For each distribution, the share of its samples in each bin, in [0, 1]. */
  readonly shares: readonly (readonly number[])[];
  /** The number of samples beyond the last bin: the slowest would leave no room for the others. */
  readonly beyond: number;
}

/**
 * Counts samples in shared bins, from the smallest sample to the greatest 95th percentile, or to four times the greatest
 * median if that is less.
 * @returns null without any sample.
 */
export function sampleShares(distributions: readonly (readonly number[])[], bins = mostBins): SampleShares | null {
  const sorted = distributions.map((samples) => samples.toSorted((a, b) => a - b));
  const filled = sorted.filter((samples) => samples.length > 0);
  if (filled.length === 0) return null;
  const low = Math.min(...filled.map((samples) => samples[0]));
  const greatest = (share: number): number => Math.max(...filled.map((samples) => quantile(samples, share)));
  const high = Math.min(greatest(0.95), 4 * greatest(0.5));
  // Equal samples need a bin, too.
  const width = (high - low || Math.abs(low) || 1) / bins;
  let beyond = 0;
  const shares = sorted.map((samples) => {
    const counts = new Array<number>(bins).fill(0);
    for (const sample of samples) {
      const bin = Math.floor((sample - low) / width);
      // The last bin includes its end.
      if (bin < bins || sample <= high) counts[Math.min(bin, bins - 1)]++;
      else beyond++;
    }
    return counts.map((count) => (samples.length === 0 ? 0 : count / samples.length));
  });
  return { at: Array.from({ length: bins }, (_, bin) => low + (bin + 0.5) * width), shares, beyond };
}

/** The distribution of latency samples, with percentiles as lines and the confidence interval as a band. */
export function histogramOption(input: HistogramInput): ChartOption {
  const { samples, percentiles, interval, theme } = input;
  const bins = binsOf(samples);
  const frame = frameOf(theme);
  const marks = [
    ...Object.entries(percentiles).map(([name, at]) => ({ name, at, color: theme.soft })),
    { name: 'latency', at: input.ms, color: theme.final },
  ];
  return {
    ...frame,
    // On the right, half a label is wider than the usual margin.
    grid: { ...frame.grid, top: frame.grid.top + 56, right: 42 },
    xAxis: { ...plainAxis(theme, 'latency [ms]'), ...extentOfAxis(input, bins) },
    yAxis: { ...plainAxis(theme, 'samples'), min: 0, minInterval: 1, nameGap: 40 },
    tooltip: saying(theme, (at) => {
      const [, count, from, to] = numbersOf(at);
      return `${count} samples\n${ms(from)} to ${ms(to)}`;
    }),
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
          ...markLines,
          data: marks.map(({ name, at, color }, i) => ({
            xAxis: at,
            lineStyle: { color, width: 1.3, type: name === 'latency' ? 'solid' : [4, 3] },
            // Labels are staggered: the lines may be close.
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

function extentOfAxis({ percentiles, interval, ms: value, theme }: HistogramInput, bins: readonly Bin[]) {
  const all = [...bins.flatMap(({ from, to }) => [from, to]), ...Object.values(percentiles), ...interval, value];
  const [low, high] = extentOf(all) ?? [0, 1];
  const margin = 0.03 * (high - low || high);
  return {
    min: Math.max(0, low - margin),
    max: high + margin,
    // The ends of the axis are no round numbers.
    axisLabel: {
      ...axisStyle(theme).axisLabel,
      showMinLabel: false,
      showMaxLabel: false,
      formatter: (at: number): string => String(Number(at.toPrecision(3))),
    },
  };
}
