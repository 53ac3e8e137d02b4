import type { ChartOption, ChartSeries } from './echarts.js';

/** A chart whose series all have an id: ECharts keeps those that stay and counts them anew. */
export const named = (option: ChartOption): ChartOption => ({
  ...option,
  series: option.series.map((series, i) => ({ ...series, id: series.id ?? `${series.name ?? ''} ${i}` })),
});

type Named = { readonly name?: unknown; readonly type?: unknown } | undefined;

/** An axis, or the first of several, as far as it tells what it shows. */
const firstOf = (axis: unknown): Named => (Array.isArray(axis) ? axis[0] : axis) as Named;

/** What a chart shows of which measures; when it changes, nothing of the view before is of use. */
export const scopeOf = ({ xAxis, yAxis, parallelAxis = [] }: ChartOption): string =>
  JSON.stringify([xAxis, yAxis, ...parallelAxis].map((axis) => [firstOf(axis)?.name, firstOf(axis)?.type]));

const lengthOf = (data: unknown): number => (Array.isArray(data) || data instanceof Float64Array ? data.length : 0);

/** Roughly how much there is to draw. */
export const sizeOf = ({ series }: ChartOption): number => series.reduce((sum, { data }) => sum + lengthOf(data), 0);

const seriesOf = ({ series }: ChartOption, id: string | undefined): ChartSeries | undefined =>
  series.find((each) => each.id === id);

const keyIn = (data: unknown): unknown =>
  typeof data === 'object' && data !== null && 'key' in data ? data.key : undefined;

/** What a mark stands for that was clicked, by what ECharts says of it. */
export function keyOf(option: ChartOption, at: unknown): unknown {
  const { data, seriesId, dataIndex } = at as { data?: unknown; seriesId?: string; dataIndex?: number };
  const key = keyIn(data);
  if (key !== undefined || dataIndex === undefined) return key;
  return seriesOf(option, seriesId)?.keyAt?.(dataIndex);
}

/** A point that the keyboard comes to. */
export interface Step {
  readonly seriesId: string;
  readonly dataIndex: number;
  readonly key: unknown;
  /** What is said of it. */
  readonly text: string;
}

const xIn = (data: unknown): number => {
  const value = typeof data === 'object' && data !== null && 'value' in data ? data.value : undefined;
  return Array.isArray(value) ? Number(value[0]) : NaN;
};

/** The points that are walked along, by their place on the horizontal axis. */
export function walkOf(option: ChartOption): readonly Step[] {
  const { formatter } = (option.tooltip ?? {}) as { readonly formatter?: (at: unknown) => string };
  const steps = option.series
    .filter(({ walked }) => walked === true)
    .flatMap(({ id, data }) =>
      (Array.isArray(data) ? (data as readonly unknown[]) : []).map((point, dataIndex) => ({
        x: xIn(point),
        seriesId: String(id),
        dataIndex,
        key: keyIn(point),
        text: formatter?.({ data: point, seriesId: id, dataIndex }) ?? '',
      })),
    );
  return steps.sort((a, b) => a.x - b.x);
}

/** Which axes can be zoomed. */
export type Zoom = 'x' | 'xy';

const axesOf: { readonly [Z in Zoom]: readonly string[] } = { x: ['xAxisIndex'], xy: ['xAxisIndex', 'yAxisIndex'] };

/**
 * The wheel zooms with Ctrl held, or by a pinch, as it scrolls the page otherwise; dragging moves; each axis has its own part
 * in view.
 */
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

/** The part of an axis that is shown, in percent of the whole. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A part greater or smaller around its middle, or moved by a share of itself; it stays inside the whole. */
export function changed({ start, end }: Range, { factor = 1, move = 0 }: { factor?: number; move?: number }): Range {
  const half = Math.min(50, (factor * (end - start)) / 2);
  const middle = (start + end) / 2 + move * (end - start);
  const inside = Math.min(100 - half, Math.max(half, middle));
  return { start: inside - half, end: inside + half };
}
