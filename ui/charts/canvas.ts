import { init, use, type EChartsType } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { gridIn, labelsIn, legendIn } from './frame.js';
import { labelled } from './labels.js';
import { type ChartOption, registerComponents } from './echarts.js';
import {
  changed,
  keyOf,
  named,
  type Range,
  scopeOf,
  sizeOf,
  type Step,
  walkOf,
  type Zoom,
  zoomOption,
} from './interaction.js';

registerComponents();
use([CanvasRenderer]);

/** The shortest time between two drawings, ms: of small charts, and of those with more than `manyPoints`. */
const interval = { few: 250, many: 1000 };
const manyPoints = 5000;

/** A chart on a canvas. It draws the latest option, at most a few times a second. */
export class CanvasChart {
  private readonly chart: EChartsType;
  private readonly observer: ResizeObserver;
  private latest: ChartOption | null = null;
  private drawn: ChartOption | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private free = 0;
  private place = -1;

  /** @param onPoint Gets the key of a clicked mark. */
  constructor(
    element: HTMLElement,
    private readonly zoom: Zoom | undefined,
    private readonly onPoint: (key: unknown) => void,
  ) {
    this.chart = init(element, null, { renderer: 'canvas' });
    this.chart.on('click', (at) => {
      const key = this.drawn === null ? undefined : keyOf(this.drawn, at);
      if (key !== undefined) onPoint(key);
    });
    this.chart.on('datazoom', () => {
      if (this.drawn !== null) this.label(this.drawn);
    });
    this.chart.getZr().on('dblclick', () => this.reset());
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(element);
  }

  /** Draws now, or when the interval since the last drawing is over. */
  draw(option: ChartOption): void {
    this.latest = option;
    this.timer ??= setTimeout(() => this.drawLatest(), Math.max(0, this.free - performance.now()));
  }

  /** Draws a waiting option now. */
  flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.drawLatest();
  }

  private drawLatest(): void {
    this.timer = null;
    const { latest, drawn } = this;
    if (latest === null || latest === drawn) return;
    const same = drawn !== null && scopeOf(drawn) === scopeOf(latest);
    const next = named(latest);
    // The zoom and the legend's selection stay while the axes show the same measures.
    this.chart.setOption(
      { ...next, ...zoomOption(this.zoom) },
      same ? { replaceMerge: ['series', 'xAxis', 'yAxis'] } : { notMerge: true },
    );
    this.chart.setOption(this.gridOf(next));
    this.label(next);
    this.drawn = next;
    this.latest = next;
    this.free = performance.now() + (sizeOf(next) > manyPoints ? interval.many : interval.few);
  }

  private resize(): void {
    this.chart.resize();
    if (this.drawn === null) return;
    this.chart.setOption(this.gridOf(this.drawn));
    this.label(this.drawn);
  }

  private label(option: ChartOption): void {
    const series = labelled(this.chart, option);
    if (series.length > 0) this.chart.setOption({ series });
  }

  /** What depends on the width; ECharts passes over undefined parts. */
  private gridOf(option: ChartOption) {
    const width = this.chart.getWidth();
    return { grid: gridIn(option, width), xAxis: labelsIn(option, width), legend: legendIn(option, width) };
  }

  /** Highlights the next point for the keyboard. @returns its tooltip, or null without any point. */
  step(by: 1 | -1): string | null {
    const steps = this.steps();
    if (steps.length === 0) return null;
    const next = this.place < 0 && by < 0 ? steps.length - 1 : this.place + by;
    this.place = Math.max(0, Math.min(steps.length - 1, next));
    const { seriesId, dataIndex, text } = steps[this.place];
    const { series = [] } = this.chart.getOption() as { series?: readonly { readonly id?: string }[] };
    const seriesIndex = series.findIndex(({ id }) => id === seriesId);
    this.chart.dispatchAction({ type: 'downplay' });
    this.chart.dispatchAction({ type: 'highlight', seriesIndex, dataIndex });
    this.chart.dispatchAction({ type: 'showTip', seriesIndex, dataIndex });
    return text;
  }

  open(): void {
    const steps = this.steps();
    if (this.place >= 0 && this.place < steps.length) this.onPoint(steps[this.place].key);
  }

  leave(): void {
    this.place = -1;
    this.chart.dispatchAction({ type: 'downplay' });
    this.chart.dispatchAction({ type: 'hideTip' });
  }

  private steps(): readonly Step[] {
    return this.drawn === null ? [] : walkOf(this.drawn);
  }

  private ranges(): readonly Range[] {
    const { dataZoom = [] } = this.chart.getOption() as { dataZoom?: readonly Partial<Range>[] };
    return dataZoom.map(({ start = 0, end = 100 }) => ({ start, end }));
  }

  private show(ranges: readonly Range[]): void {
    const batch = ranges.map((range, dataZoomIndex) => ({ dataZoomIndex, ...range }));
    if (batch.length > 0) this.chart.dispatchAction({ type: 'dataZoom', batch });
  }

  /** Zooms: a `factor` below 1 comes closer. */
  scale(factor: number): void {
    this.show(this.ranges().map((range) => changed(range, { factor })));
  }

  /** Moves the view by shares of its size. */
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
