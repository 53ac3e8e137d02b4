import type { ChartOption } from './echarts.js';
import { itemOf } from './frame.js';

/** Gives every series an id, so that ECharts keeps the series that stay. */
export const named = (option: ChartOption): ChartOption => ({
  ...option,
  series: option.series.map((series, i) => ({ ...series, id: series.id ?? `${series.name ?? ''} ${i}` })),
});

type Named = { readonly name?: unknown; readonly type?: unknown } | undefined;

const firstOf = (axis: unknown): Named => (Array.isArray(axis) ? axis[0] : axis) as Named;

/** Identifies the axes of a chart. A chart with other axes starts with a new view. */
export const scopeOf = ({ xAxis, yAxis }: ChartOption): string =>
  JSON.stringify([xAxis, yAxis].map((axis) => [firstOf(axis)?.name, firstOf(axis)?.type]));

const lengthOf = (data: unknown): number => (Array.isArray(data) || data instanceof Float64Array ? data.length : 0);

export const sizeOf = ({ series }: ChartOption): number => series.reduce((sum, { data }) => sum + lengthOf(data), 0);

export function keyOf(option: ChartOption, at: unknown): unknown {
  const { data, seriesId, dataIndex } = at as { data?: unknown; seriesId?: string; dataIndex?: number };
  const key = itemOf(data, 'key');
  // A click on a line is at none of its points.
  return key ?? option.series.find(({ id }) => id === seriesId)?.keyAt?.(dataIndex ?? 0);
}

/** A point that the arrow keys reach. */
export interface Step {
  readonly seriesId: string;
  readonly dataIndex: number;
  readonly key: unknown;
  readonly text: string;
}

const xIn = (data: unknown): number => {
  const value = itemOf(data, 'value');
  return Array.isArray(value) ? Number(value[0]) : NaN;
};

/** The points that the arrow keys reach, sorted by x. */
export function walkOf(option: ChartOption): readonly Step[] {
  const { formatter } = (option.tooltip ?? {}) as { readonly formatter?: (at: unknown) => string };
  const steps = option.series
    .filter(({ walked }) => walked === true)
    .flatMap(({ id, data }) =>
      (Array.isArray(data) ? (data as readonly unknown[]) : []).map((point, dataIndex) => ({
        x: xIn(point),
        seriesId: String(id),
        dataIndex,
        key: itemOf(point, 'key'),
        text: formatter?.({ data: point, seriesId: id, dataIndex }) ?? '',
      })),
    );
  return steps.sort((a, b) => a.x - b.x);
}

/** The axes that can be zoomed. */
export type Zoom = 'x' | 'xy';

const axesOf: { readonly [Z in Zoom]: readonly string[] } = { x: ['xAxisIndex'], xy: ['xAxisIndex', 'yAxisIndex'] };

/** Ctrl with the wheel, or a pinch, zooms; the wheel alone scrolls the page; dragging moves. */
export const zoomOption = (zoom: Zoom | undefined) =>
  zoom === undefined
    ? {}
    : {
        dataZoom: axesOf[zoom].map((axis) => ({
          type: 'inside' as const,
          id: axis,
          [axis]: 0,
          filterMode: 'none' as const,
          throttle: 50,
          zoomOnMouseWheel: 'ctrl' as const,
          preventDefaultMouseMove: false,
        })),
      };

/** The visible part of an axis, in percent of the whole. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Scales a range around its middle, or moves it by a share of its width. It stays inside the whole. */
export function changed({ start, end }: Range, { factor = 1, move = 0 }: { factor?: number; move?: number }): Range {
  const half = Math.min(50, (factor * (end - start)) / 2);
  const middle = (start + end) / 2 + move * (end - start);
  const inside = Math.min(100 - half, Math.max(half, middle));
  return { start: inside - half, end: inside + half };
}
