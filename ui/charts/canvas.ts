import { init, use, type EChartsType } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import type { ChartOption } from './option.js';
import { registerParts } from './parts.js';

registerParts();
use([CanvasRenderer]);

/** How long a drawing stands at least before the next one, ms. */
const rest = { few: 250, many: 1000 };
/** From so many points on, a chart is drawn less often. */
const manyPoints = 5000;

type AxisOption = { readonly name?: unknown; readonly type?: unknown } | undefined;

const firstOf = (axis: unknown): AxisOption => (Array.isArray(axis) ? axis[0] : axis) as AxisOption;

/** What a chart shows of which measures; when it changes, nothing of the view before is of use. */
const scopeOf = ({ xAxis, yAxis, parallelAxis = [] }: ChartOption): string =>
  JSON.stringify([xAxis, yAxis, ...parallelAxis].map((axis) => [firstOf(axis)?.name, firstOf(axis)?.type]));

const lengthOf = (data: unknown): number => (Array.isArray(data) || data instanceof Float64Array ? data.length : 0);

const pointsOf = ({ series }: ChartOption): number => series.reduce((sum, { data }) => sum + lengthOf(data), 0);

/** What a mark that was clicked stands for. */
function keyOf({ series }: ChartOption, at: unknown): unknown {
  const { data, seriesIndex, dataIndex } = at as { data: unknown; seriesIndex?: number; dataIndex?: number };
  if (typeof data === 'object' && data !== null && 'key' in data) return data.key;
  if (seriesIndex === undefined || dataIndex === undefined) return undefined;
  return series[seriesIndex]?.keyAt?.(dataIndex);
}

export type Zoom = 'x' | 'xy';

const axesOf = (zoom: Zoom): readonly string[] => (zoom === 'xy' ? ['xAxisIndex', 'yAxisIndex'] : ['xAxisIndex']);

/** The wheel zooms, dragging moves; each axis has its own part in view. */
const zoomOption = (zoom: Zoom | undefined) =>
  zoom === undefined
    ? {}
    : {
        dataZoom: axesOf(zoom).map((axis) => ({
          type: 'inside' as const,
          id: axis,
          [axis]: 0,
          filterMode: 'none' as const,
          throttle: 50,
        })),
      };

interface Range {
  readonly start: number;
  readonly end: number;
}

/** A part of the whole, in percent: greater or smaller around its middle, or moved by a share of itself. */
function changed({ start, end }: Range, { factor = 1, move = 0 }: { factor?: number; move?: number }): Range {
  const half = Math.min(50, (factor * (end - start)) / 2);
  const middle = Math.min(100 - half, Math.max(half, (start + end) / 2 + 2 * half * move));
  return { start: middle - half, end: middle + half };
}

/** A chart on a canvas: it draws the latest of what it is given, a few times a second at most. */
export class CanvasChart {
  private readonly chart: EChartsType;
  private readonly observer: ResizeObserver;
  private latest: ChartOption | null = null;
  private drawn: ChartOption | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private free = 0;

  constructor(
    element: HTMLElement,
    private readonly zoom: Zoom | undefined,
    onPoint: (key: unknown) => void,
  ) {
    this.chart = init(element, null, { renderer: 'canvas' });
    this.chart.on('click', (at) => {
      const key = this.drawn === null ? undefined : keyOf(this.drawn, at);
      if (key !== undefined) onPoint(key);
    });
    this.chart.getZr().on('dblclick', () => this.reset());
    this.observer = new ResizeObserver(() => this.chart.resize());
    this.observer.observe(element);
  }

  /** Draws, at once or as soon as the drawing before has stood long enough. */
  draw(option: ChartOption): void {
    this.latest = option;
    this.timer ??= setTimeout(() => this.drawLatest(), Math.max(0, this.free - performance.now()));
  }

  /** Draws what is waiting at once. */
  flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.drawLatest();
  }

  private drawLatest(): void {
    this.timer = null;
    const { latest, drawn } = this;
    if (latest === null || latest === drawn) return;
    const same = drawn !== null && scopeOf(drawn) === scopeOf(latest);
    this.chart.setOption(
      { ...latest, ...zoomOption(this.zoom) },
      same ? { replaceMerge: ['series', 'xAxis', 'yAxis', 'parallelAxis'], lazyUpdate: false } : { notMerge: true },
    );
    this.drawn = latest;
    this.free = performance.now() + (pointsOf(latest) > manyPoints ? rest.many : rest.few);
  }

  private ranges(): readonly Range[] {
    const { dataZoom = [] } = this.chart.getOption() as { dataZoom?: readonly Partial<Range>[] };
    return dataZoom.map(({ start = 0, end = 100 }) => ({ start, end }));
  }

  private show(ranges: readonly Range[]): void {
    this.chart.dispatchAction({
      type: 'dataZoom',
      batch: ranges.map((range, dataZoomIndex) => ({ dataZoomIndex, ...range })),
    });
  }

  /** Shows a part: `factor` below 1 comes closer. */
  scale(factor: number): void {
    this.show(this.ranges().map((range) => changed(range, { factor })));
  }

  /** Moves what is shown by shares of itself. */
  move(x: number, y: number): void {
    this.show(this.ranges().map((range, i) => changed(range, { move: i === 0 ? x : y })));
  }

  reset(): void {
    this.show(this.ranges().map(() => ({ start: 0, end: 100 })));
  }

  dispose(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.observer.disconnect();
    this.chart.dispose();
  }
}
