import { extentOf, spansDecades, valueAxis, type Measures } from './axis.js';
import { frameOf, hollow, itemOf, legendStyle, plainText, saying, type Pointed } from './frame.js';
import { dashOf, hueOf, symbolOf, type ChartTheme } from './theme.js';
import type { ChartOption, ChartSeries } from './echarts.js';

interface OverlayPoint {
  readonly x: number;
  readonly y: number;
  /** Passed to the page when the point is clicked. */
  readonly key?: unknown;
  /** In its tooltip, above its values. */
  readonly label?: string;
  /** Whether its value is not reliable. */
  readonly isHollow?: boolean;
}

interface OverlayLine {
  readonly name: string;
  /** Sorted by x. */
  readonly points: readonly OverlayPoint[];
}

interface OverlayAxis {
  /** The name of its measure; null: plain numbers. */
  readonly measure: string | null;
  /** Replaces the measure's title. */
  readonly title?: string;
  readonly log?: boolean;
  /** Writes a value in a tooltip. */
  readonly text: (value: number) => string;
  /** Writes a tick; default: by the unit of the measure. */
  readonly tick?: (value: number) => string;
}

interface OverlayInput {
  readonly lines: readonly OverlayLine[];
  readonly x: OverlayAxis;
  readonly y: OverlayAxis;
  readonly measures: Measures;
  readonly theme: ChartTheme;
  /** Whether a value holds until the next point (`end`) or from the one before (`start`). */
  readonly step?: 'end' | 'start' | false;
  /** Whether points have marks, with one shape for each line. */
  readonly marks: boolean;
  /** Whether earlier lines are wider: equal lines lie on each other. */
  readonly layered?: boolean;
}

function seriesOf(
  { lines, theme, step, marks, layered }: OverlayInput,
  { name, points }: OverlayLine,
  i: number,
): ChartSeries {
  const color = hueOf(theme, i);
  const extra = layered === true ? 1.6 * (lines.length - 1 - i) : 0;
  return {
    type: 'line',
    id: `${i}`,
    name: name === '' ? `${i + 1}` : name,
    symbol: symbolOf(i),
    symbolSize: (marks ? 9 : 5) + 2 * extra,
    showSymbol: marks || points.length === 1,
    showAllSymbol: marks,
    step: step ?? false,
    itemStyle: { color },
    lineStyle: { color, width: 1.8 + extra, type: dashOf(i) },
    data: points.map((point) => ({
      value: [point.x, point.y],
      key: point.key,
      point,
      ...(point.isHollow === true && { itemStyle: hollow(theme, color, false) }),
    })),
  };
}

function hoverText({ lines, x, y }: OverlayInput, { data, seriesIndex = 0 }: Pointed): string {
  const point = itemOf(data, 'point') as OverlayPoint | undefined;
  if (point === undefined) return '';
  const label = point.label === undefined ? [] : [point.label];
  return [lines[seriesIndex].name, ...label, y.text(point.y), x.text(point.x)].join('\n');
}

/** Several lines in one plot, with different colours, dashes and marks. */
export function overlayOption(input: OverlayInput): ChartOption {
  const { lines, measures, theme } = input;
  const axisOf = (along: 'x' | 'y') => {
    const { measure, title, log = false, tick } = input[along];
    const extent = extentOf(lines.flatMap(({ points }) => points.map((point) => point[along])));
    const axis = valueAxis({ measure, measures, theme, extent, log: log && (extent?.[0] ?? 0) > 0, title });
    return tick === undefined ? axis : { ...axis, axisLabel: { ...axis.axisLabel, formatter: tick } };
  };
  return {
    ...frameOf(theme, lines.length > 1 ? Math.ceil(lines.length / 3) : 0),
    xAxis: axisOf('x'),
    yAxis: { ...axisOf('y'), nameGap: 50 },
    legend: { ...legendStyle(theme), show: lines.length > 1, itemWidth: 34, formatter: plainText },
    tooltip: saying(theme, (at) => hoverText(input, at)),
    series: lines.map((line, i) => seriesOf(input, line, i)),
  };
}

/** Whether the x values of lines suit a logarithmic axis. */
export const asksForLog = (lines: readonly OverlayLine[]): boolean =>
  spansDecades(extentOf(lines.flatMap(({ points }) => points.map(({ x }) => x))));
