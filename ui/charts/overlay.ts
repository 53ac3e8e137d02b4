import { extentOf, spansDecades, valueAxis, type Measures } from './axis.js';
import { frameOf, legendStyle, plainText } from './frame.js';
import { hueOf, type ChartTheme } from './theme.js';
import type { ChartOption, ChartSeries } from './echarts.js';

export interface OverlayPoint {
  readonly x: number;
  readonly y: number;
  /** What the page is told when the point is clicked. */
  readonly key?: unknown;
  /** Said of it, above its values. */
  readonly label?: string;
}

/** One of several things that are drawn over each other. */
export interface OverlayLine {
  readonly name: string;
  /** Along x. */
  readonly points: readonly OverlayPoint[];
}

/** What an axis shows. */
export interface OverlayAxis {
  /** Whose values; null: numbers. */
  readonly measure: string | null;
  /** Instead of the measure's. */
  readonly title?: string;
  readonly log?: boolean;
  /** How a value is written where it is pointed at. */
  readonly text: (value: number) => string;
}

/** All that lines over each other are drawn from. */
export interface OverlayInput {
  readonly lines: readonly OverlayLine[];
  readonly x: OverlayAxis;
  readonly y: OverlayAxis;
  readonly measures: Measures;
  readonly theme: ChartTheme;
  /** Whether a value holds until the next one (`end`), or from the one before (`start`). */
  readonly step?: 'end' | 'start' | false;
  /** Whether points have marks, a shape a line. */
  readonly marks: boolean;
}

/** Shapes and dashes, so that lines are told apart by more than their colours. */
const shapes = [
  { symbol: 'circle', rotate: 0 },
  { symbol: 'triangle', rotate: 0 },
  { symbol: 'rect', rotate: 0 },
  { symbol: 'diamond', rotate: 0 },
  { symbol: 'triangle', rotate: 180 },
  { symbol: 'roundRect', rotate: 45 },
] as const;
const dashes: readonly ('solid' | readonly number[])[] = ['solid', [8, 4], [2, 3], [10, 3, 2, 3], [14, 6], [4, 2]];

const dashOf = (i: number): 'solid' | number[] => {
  const dash = dashes[i % dashes.length];
  return dash === 'solid' ? dash : [...dash];
};

function seriesOf({ theme, step, marks }: OverlayInput, { name, points }: OverlayLine, i: number): ChartSeries {
  const color = hueOf(theme, i);
  const { symbol, rotate } = shapes[i % shapes.length];
  return {
    type: 'line',
    id: `${i}`,
    // Two lines may have one name; the legend must not take them for one.
    name: name === '' ? `${i + 1}` : name,
    symbol,
    symbolRotate: rotate,
    symbolSize: marks ? 9 : 5,
    showSymbol: marks || points.length === 1,
    showAllSymbol: marks,
    step: step ?? false,
    itemStyle: { color },
    lineStyle: { color, width: 1.8, type: dashOf(i) },
    data: points.map((point) => ({ value: [point.x, point.y], key: point.key, point })),
  };
}

const isPoint = (data: unknown): data is { readonly point: OverlayPoint } =>
  typeof data === 'object' && data !== null && 'point' in data;

function hoverText({ lines, x, y }: OverlayInput, at: unknown): string {
  // What ECharts says of a mark.
  const { data, seriesIndex } = at as { data: unknown; seriesIndex: number };
  if (!isPoint(data)) return '';
  const { label, x: horizontal, y: vertical } = data.point;
  const said = [lines[seriesIndex].name, ...(label === undefined ? [] : [label]), y.text(vertical), x.text(horizontal)];
  return plainText(said.join('\n'));
}

/** Lines over each other, told apart by colour, dashes, and where points count by the shapes of their marks. */
export function overlayOption(input: OverlayInput): ChartOption {
  const { lines, x, y, measures, theme } = input;
  const axisOf = ({ measure, title, log }: OverlayAxis, values: readonly number[]) => {
    const extent = extentOf(values);
    const named = title === undefined ? {} : { title };
    const positive = extent !== null && extent[0] > 0;
    return valueAxis({ measure, measures, theme, extent, log: positive && (log ?? false), ...named });
  };
  const points = lines.flatMap((line) => line.points);
  const frame = frameOf(theme, {}, { rows: Math.ceil(lines.length / 3) });
  return {
    ...frame,
    xAxis: axisOf(
      x,
      points.map((point) => point.x),
    ),
    yAxis: {
      ...axisOf(
        y,
        points.map((point) => point.y),
      ),
      nameGap: 50,
    },
    legend: { ...legendStyle(theme), itemWidth: 34, formatter: plainText },
    tooltip: { ...frame.tooltip, formatter: (at: unknown) => hoverText(input, at) },
    series: lines.map((line, i) => seriesOf(input, line, i)),
  };
}

/** Whether the values of lines ask for a logarithmic axis. */
export const asksForLog = (lines: readonly OverlayLine[], axis: 'x' | 'y'): boolean =>
  spansDecades(extentOf(lines.flatMap(({ points }) => points.map((point) => point[axis]))));
