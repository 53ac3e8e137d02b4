import { init, use, type EChartsType } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { gridIn } from './frame.js';
import { type ChartOption, registerParts } from './echarts.js';
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

registerParts();
use([CanvasRenderer]);

/** How long a drawing stands at least before the next one, ms. */
const rest = { few: 250, many: 1000 };
/** From so many points on, a chart is drawn less often. */
const manyPoints = 5000;

/** A chart on a canvas: it draws the latest of what it is given, a few times a second at most. */
export class CanvasChart {
  private readonly chart: EChartsType;
  private readonly observer: ResizeObserver;
  private latest: ChartOption | null = null;
  private drawn: ChartOption | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private free = 0;
  private place = -1;

  /** @param onPoint told what the mark stands for that is clicked. */
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
    this.chart.getZr().on('dblclick', () => this.reset());
    this.observer = new ResizeObserver(() => this.resize());
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
    const next = named(latest);
    // What is zoomed to and what the legend hides stay as they are while the axes show the same.
    this.chart.setOption(
      { ...next, ...this.gridOf(next), ...zoomOption(this.zoom) },
      same ? { replaceMerge: ['series', 'xAxis', 'yAxis', 'parallelAxis'] } : { notMerge: true },
    );
    this.drawn = next;
    this.latest = next;
    this.free = performance.now() + (sizeOf(next) > manyPoints ? rest.many : rest.few);
  }

  private resize(): void {
    this.chart.resize();
    if (this.drawn !== null) this.chart.setOption(this.gridOf(this.drawn));
  }

  private gridOf(option: ChartOption): { readonly grid?: unknown } {
    const grid = gridIn(option, this.chart.getWidth());
    return grid === undefined ? {} : { grid };
  }

  /** Goes to the next point of those that the keyboard walks along. @returns what is said of it; null: there is none. */
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

  /** Opens the point that was stepped to. */
  open(): void {
    const steps = this.steps();
    if (this.place >= 0 && this.place < steps.length) this.onPoint(steps[this.place].key);
  }

  /** Ends a walk. */
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
