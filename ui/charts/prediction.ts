import { ms } from '../../base/number-text.js';
import type { PredictionPair } from '../../reports/page/api.js';
import { precisions } from '../data/measures.js';
import { extentOf, plainAxis } from './axis.js';
import {
  explained,
  frameOf,
  hollow,
  itemOf,
  legendStyle,
  markLines,
  saying,
  wrapped,
  type Heading,
  type Pointed,
} from './frame.js';
import type { ChartTheme } from './theme.js';
import type { ChartOption, ChartSeries } from './echarts.js';

/** A predicted and measured latency; on pages, with the model's own estimate of its error. */
export interface DrawnPair extends PredictionPair {
  /** The predicted standard deviation, ms. */
  readonly std?: number;
  /** Below 1, the model extrapolated: a hollow mark. */
  readonly coverage?: number;
}

interface PredictionInput extends Heading {
  readonly pairs: readonly DrawnPair[];
  readonly theme: ChartTheme;
}

const nameOf = ({ trial, precision }: DrawnPair): string =>
  [trial === null ? 'network' : `#${trial}`, ...(precision === undefined ? [] : [`in ${precision}`])].join(' ');

const extrapolates = ({ coverage = 1 }: DrawnPair): boolean => coverage < 1;

const isUnreliable = ({ unreliable }: DrawnPair): boolean => unreliable !== undefined;

/** Hollow marks: extrapolated ones, and with dashes the ones whose measurement is not reliable. */
const itemStyleOf = (pair: DrawnPair, theme: ChartTheme, color: string) =>
  extrapolates(pair) || isUnreliable(pair) ? { itemStyle: hollow(theme, color, isUnreliable(pair)) } : {};

/** One mark for each pair; each precision has its shape and colour. */
function pairSeries(
  { pairs, theme }: PredictionInput,
  at: (pair: DrawnPair, i: number) => readonly [x: number, y: number],
): ChartSeries[] {
  const several = pairs.some(({ precision }) => precision !== undefined);
  const positions = pairs.map((pair, i) => ({ pair, at: at(pair, i) }));
  const shown = precisions.flatMap((precision): ChartSeries[] => {
    const own = positions.filter(({ pair }) => (pair.precision ?? 'fp32') === precision);
    if (own.length === 0) return [];
    const color = precision === 'int8' ? theme.int8 : theme.search;
    return [
      {
        type: 'scatter',
        name: several ? precision : 'networks',
        symbol: precision === 'int8' ? 'triangle' : 'circle',
        symbolSize: 8,
        itemStyle: { color, opacity: 0.75 },
        data: own.map(({ pair, at: [x, y] }) => ({
          value: [x, y],
          pair,
          key: pair.trial === null ? undefined : { number: pair.trial, precision },
          ...itemStyleOf(pair, theme, color),
        })),
      },
    ];
  });
  return [
    ...shown,
    ...(pairs.some(extrapolates) ? [explained(theme, 'hollow: extrapolated', false)] : []),
    ...(pairs.some(isUnreliable) ? [explained(theme, 'dashed: measurement not reliable', true)] : []),
  ];
}

const legendOf = ({ pairs, theme }: PredictionInput) => ({
  ...legendStyle(theme),
  show: pairs.some((pair) => pair.precision !== undefined || extrapolates(pair) || isUnreliable(pair)),
});

const rowsOf = (input: PredictionInput): number => (legendOf(input).show ? 1 : 0);

function hoverText({ data }: Pointed): string {
  const pair = itemOf(data, 'pair') as DrawnPair | undefined;
  if (pair === undefined) return '';
  const { predicted, measured, std, coverage, unreliable } = pair;
  return [
    nameOf(pair),
    `predicted: ${ms(predicted)}${std === undefined ? '' : ` ± ${ms(std)}`}`,
    `measured: ${ms(measured)}`,
    ...(coverage === undefined ? [] : [`coverage: ${(100 * coverage).toFixed(0)} %`]),
    ...(unreliable === undefined ? [] : wrapped(`not reliable: ${unreliable}`, 48)),
  ].join('\n');
}

/** Predicted against measured latency, with the line of equality. Both axes have the same scale. */
export function predictionOption(input: PredictionInput): ChartOption {
  const { pairs, theme } = input;
  const [low, high] = extentOf(pairs.flatMap(({ predicted, measured }) => [predicted, measured])) ?? [0, 1];
  const margin = 0.06 * (high - low || high);
  const [min, max] = [Math.max(0, low - margin), high + margin];
  const axis = (title: string) => {
    const plain = plainAxis(theme, `${title} latency [ms]`);
    // The ends of the axes are no round numbers.
    return { ...plain, min, max, axisLabel: { ...plain.axisLabel, showMinLabel: min === 0, showMaxLabel: false } };
  };
  return {
    ...frameOf(theme, rowsOf(input), input),
    xAxis: axis('measured'),
    yAxis: { ...axis('predicted'), nameGap: 48 },
    legend: legendOf(input),
    tooltip: saying(theme, hoverText),
    series: [
      {
        type: 'line',
        id: 'equality',
        silent: true,
        showSymbol: false,
        lineStyle: { color: theme.faint, type: [4, 4], width: 1.2 },
        data: [
          [min, min],
          [max, max],
        ],
      },
      ...pairSeries(input, ({ measured, predicted }) => [measured, predicted]),
    ],
  };
}

/** The error of each prediction, in percent of the measured latency, in the order of measurement. */
export function predictionErrorsOption(input: PredictionInput): ChartOption {
  const { theme } = input;
  const series = pairSeries(input, ({ predicted, measured }, i) => [i + 1, (100 * (predicted - measured)) / measured]);
  return {
    ...frameOf(theme, rowsOf(input), input),
    xAxis: { ...plainAxis(theme, 'measurement', String), minInterval: 1 },
    yAxis: { ...plainAxis(theme, 'error of the prediction [%]'), nameGap: 48 },
    legend: legendOf(input),
    tooltip: saying(theme, hoverText),
    series: [
      ...series,
      {
        type: 'line',
        id: 'none',
        data: [],
        silent: true,
        markLine: {
          ...markLines,
          label: { show: false },
          lineStyle: { color: theme.faint, type: [4, 4], width: 1.2 },
          data: [{ yAxis: 0 }],
        },
      },
    ],
  };
}
