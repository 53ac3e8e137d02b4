/** The chart of `ui/` behind the interface that the measuring page expects of every library. */
import { CanvasChart } from '../../ui/charts/canvas.js';
import { frontierOption } from '../../ui/charts/frontier.js';
import type { PointCloud } from '../../ui/charts/frontier-series.js';
import { chartThemes } from '../../ui/charts/theme.js';

const optionOf = (xy: Float64Array) => {
  const cloud: PointCloud = {
    series: 'trial',
    precision: 'fp32',
    predicted: false,
    xy,
    keyAt: (number) => ({ number, precision: 'fp32' }),
  };
  return frontierOption({
    points: [],
    clouds: [cloud],
    plane: { x: 'latency_ms', y: 'accuracy' },
    objectives: [
      { name: 'accuracy', direction: 'maximize' },
      { name: 'latency_ms', direction: 'minimize' },
    ],
    measures: { accuracy: { title: 'accuracy', unit: 'share' }, latency_ms: { title: 'latency', unit: 'ms' } },
    theme: chartThemes.light,
    precisions: false,
    log: { x: true },
  });
};

let chart: CanvasChart | null = null;

Object.assign(globalThis, {
  drawing: {
    draw(element: HTMLElement, xy: Float64Array): void {
      chart = new CanvasChart(element, 'xy', () => undefined);
      chart.draw(optionOf(xy));
      chart.flush();
    },
    redraw(xy: Float64Array): void {
      chart?.draw(optionOf(xy));
      chart?.flush();
    },
  },
});
