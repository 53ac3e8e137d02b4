/** A chart library: its npm packages, and a script that draws with it. */
export interface Peer {
  readonly name: string;
  readonly packages: readonly string[];
  /** JavaScript, or a file in this folder. */
  readonly script: { readonly text: string } | { readonly file: string };
  /** Whether it draws SVG without a browser. */
  readonly svg: boolean;
}

const uplot = `
import uPlot from 'uplot';
const columns = (xy) => {
  const x = new Float64Array(xy.length / 2), y = new Float64Array(xy.length / 2);
  for (let i = 0; i < x.length; i++) { x[i] = xy[2 * i]; y[i] = xy[2 * i + 1]; }
  return [null, [x, y]];
};
const points = (u, series) => {
  uPlot.orient(u, series, (s, dx, dy, sx, sy, valToPosX, valToPosY, left, top, w, h, moveTo, lineTo, rect, arc) => {
    const [x, y] = u.data[series];
    const path = new Path2D();
    for (let i = 0; i < x.length; i++) {
      const cx = valToPosX(x[i], sx, w, left), cy = valToPosY(y[i], sy, h, top);
      path.moveTo(cx + 3, cy); arc(path, cx, cy, 3, 0, 2 * Math.PI);
    }
    u.ctx.fillStyle = 'rgba(154, 165, 177, 0.55)';
    u.ctx.fill(path);
  });
  return null;
};
let plot;
globalThis.drawing = {
  draw(element, xy) {
    plot = new uPlot({ mode: 2, width: 900, height: 500,
      scales: { x: { time: false, distr: 3, auto: false, range: [0.01, 10] }, y: { auto: false, range: [0, 1] } },
      series: [null, { facets: [{ scale: 'x', auto: true }, { scale: 'y', auto: true }], paths: points }] }, columns(xy), element);
  },
  redraw(xy) { plot.setData(columns(xy)); },
};`;

const chartJs = `
import { Chart, ScatterController, PointElement, LinearScale, LogarithmicScale, Tooltip } from 'chart.js';
Chart.register(ScatterController, PointElement, LinearScale, LogarithmicScale, Tooltip);
const rows = (xy) => Array.from({ length: xy.length / 2 }, (_, i) => ({ x: xy[2 * i], y: xy[2 * i + 1] }));
let chart;
globalThis.drawing = {
  draw(element, xy) {
    const canvas = document.createElement('canvas');
    element.append(canvas);
    chart = new Chart(canvas, { type: 'scatter', data: { datasets: [{ data: rows(xy), pointRadius: 3, backgroundColor: 'rgba(154, 165, 177, 0.55)' }] },
      options: { animation: false, parsing: false, normalized: true, maintainAspectRatio: false, scales: { x: { type: 'logarithmic' } } } });
  },
  redraw(xy) { chart.data.datasets[0].data = rows(xy); chart.update('none'); },
};`;

const vega = `
import { View, parse } from 'vega';
import { compile } from 'vega-lite';
const rows = (xy) => Array.from({ length: xy.length / 2 }, (_, i) => ({ x: xy[2 * i], y: xy[2 * i + 1] }));
let view;
globalThis.drawing = {
  async draw(element, xy) {
    const { spec } = compile({ width: 820, height: 440, data: { name: 'points' },
      mark: { type: 'point', filled: true, size: 34, opacity: 0.55, tooltip: true },
      encoding: { x: { field: 'x', type: 'quantitative', scale: { type: 'log' } }, y: { field: 'y', type: 'quantitative' } } });
    view = new View(parse(spec), { renderer: 'canvas', container: element, hover: true }).data('points', rows(xy));
    await view.runAsync();
  },
  async redraw(xy) { await view.data('points', rows(xy)).runAsync(); },
};`;

export const peers: readonly Peer[] = [
  { name: 'echarts', packages: [], script: { file: 'ours.ts' }, svg: true },
  { name: 'uplot', packages: ['uplot@1'], script: { text: uplot }, svg: false },
  { name: 'chart.js', packages: ['chart.js@4'], script: { text: chartJs }, svg: false },
  { name: 'vega-lite', packages: ['vega@6', 'vega-lite@6'], script: { text: vega }, svg: true },
];
