import type { TopLevelSpec } from 'vega-lite';
import type { ReportData, ReportMember, ReportTrial } from '../data.js';
import { accuracyOf, isAccuracy } from '../../measures.js';
import { axisOf, objectiveTitle } from '../format.js';
import { palette, renderSvg } from './render.js';

/** The objectives that span the picture; with one objective, it is drawn against the trial's number. */
interface Plane {
  /** Null: the trial's number. */
  readonly x: string | null;
  readonly y: string;
}

function planeOf({ objectives }: ReportData): Plane {
  const [first, second] = objectives;
  return { y: first.name, x: objectives.length > 1 ? second.name : null };
}

const valueOf = (trial: ReportTrial, name: string | null): number | undefined =>
  name === null ? trial.number : trial.values[name];

interface Point {
  readonly x: number;
  readonly y: number;
  readonly series: string;
  readonly label: string;
  readonly low?: number;
  readonly high?: number;
  readonly from?: number;
}

const seriesNames = {
  stopped: 'stopped early',
  trials: 'trials',
  search: 'frontier, in the search',
  final: 'after the final training',
  enqueued: 'given beforehand',
} as const;

function point(trial: ReportTrial, plane: Plane, series: string): Point | undefined {
  const x = valueOf(trial, plane.x);
  const y = valueOf(trial, plane.y);
  return x === undefined || y === undefined ? undefined : { x, y, series, label: `#${trial.number}` };
}

const isPoint = (value: Point | undefined): value is Point => value !== undefined;

/** The 95 % interval of a measured latency, where latency is the horizontal axis. */
function withInterval(member: ReportMember, plane: Plane): Point | undefined {
  const at = point(member, plane, seriesNames.search);
  if (at === undefined || plane.x !== 'latency_ms' || member.latency === null) return at;
  const [low, high] = member.latency.interval;
  return { ...at, low, high };
}

function finalPoint(member: ReportMember, plane: Plane): Point | undefined {
  const accuracy = member.final?.accuracy ?? null;
  const at = point(member, plane, seriesNames.final);
  if (at === undefined || accuracy === null || !isAccuracy(plane.y)) return undefined;
  return { ...at, y: accuracy, from: at.y };
}

/** A trial that was given beforehand, under its own name. */
function enqueuedPoint(trial: ReportTrial, plane: Plane): Point | undefined {
  const at = trial.enqueued === null ? undefined : point(trial, plane, seriesNames.enqueued);
  return at && { ...at, label: trial.enqueued ?? at.label };
}

/** Whether a logarithmic axis is due: positive values that span more than a factor of thirty. */
const spansDecades = (values: readonly number[]): boolean => {
  const positive = values.filter((value) => value > 0);
  return positive.length === values.length && Math.max(...values) / Math.min(...values) > 30;
};

/** How the latencies came to be: device, threads, and how many are predicted only. */
function latencyNote(data: ReportData, plane: Plane): string {
  if (plane.x !== 'latency_ms') return '';
  const measured = data.frontier.flatMap(({ latency }) => latency ?? []);
  if (measured.length === 0) return 'Latency: predicted, not measured.';
  const [{ environment }] = measured;
  const { cpu, threads, batch, provider } = environment;
  const whose = measured.length === data.frontier.length ? '' : ` of ${measured.length} frontier networks`;
  const device = `${cpu}, ${threads} thread${threads === 1 ? '' : 's'}, batch ${batch}, ONNX Runtime ${provider}`;
  const others = data.trials.filter(({ provenance }) => provenance['latency_ms'] === 'predicted').length;
  const predicted = others > 0 ? ` Latency of ${others} trials predicted.` : '';
  return `Latency${whose}: measured on ${device}; bars: 95 % interval.${predicted}`;
}

function subtitle(data: ReportData, plane: Plane): string[] {
  const { counts, name, seed, evaluation } = data.run;
  if (evaluation === 'table') {
    const found = `${counts.complete} trials evaluated, ${data.frontier.length} on the frontier.`;
    return wrapped(`${name} (seed ${seed}), ${data.provenance.data}: ${found}`);
  }
  const trained = `${counts.complete} trials ${nothingTrained(data) ? 'evaluated' : 'trained'}, ${data.frontier.length} on the frontier.`;
  return [
    ...wrapped(`${name} (seed ${seed}), ${data.provenance.data}: ${trained}`),
    ...wrapped(`Accuracy: validation split${searchedAs(data)}. ${latencyNote(data, plane)}`),
  ];
}

/** The kind of accuracy that the search went by, where it is not the usual one. */
function searchedAs(data: ReportData): string {
  const kind = searchedKind(data);
  return kind === 'accuracy' ? '' : `; in the search, ${objectiveTitle(kind)}`;
}

const searchedKind = ({ objectives }: ReportData): string =>
  objectives.map(({ name }) => name).find(isAccuracy) ?? 'accuracy';

/** Whether candidates were slices of the supernet as they are. */
const nothingTrained = ({ objectives }: ReportData): boolean =>
  objectives.some(({ name }) => name === accuracyOf('supernet'));

/** Longer lines would make the picture wider. */
const lineLength = 95;

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.trim().split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + word.length >= lineLength) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number];

const quantitative = 'quantitative' as const;
const nominal = 'nominal' as const;

/** A layer over its own points; none without points, which would have no scale. */
const layer = (values: readonly Point[], look: Layer): Layer[] =>
  values.length === 0 ? [] : [{ ...look, data: { values: [...values] } }];

const looks = [
  { series: seriesNames.stopped, color: palette.fainter, shape: 'cross' },
  { series: seriesNames.trials, color: palette.faint, shape: 'circle' },
  { series: seriesNames.search, color: palette.search, shape: 'circle' },
  { series: seriesNames.final, color: palette.final, shape: 'diamond' },
  { series: seriesNames.enqueued, color: palette.enqueued, shape: 'square' },
] as const;

/** What stands beside accuracies of another kind says which it is. */
function legendOf(data: ReportData, finals: readonly Point[]) {
  const kind = searchedKind(data);
  if (finals.length === 0 || kind === 'accuracy') return {};
  const label = `${seriesNames.search} (${objectiveTitle(kind)})`;
  return { legend: { labelExpr: `datum.label === '${seriesNames.search}' ? '${label}' : datum.label` } };
}

/** How points become positions, colours and shapes; shared by all layers, and so one legend. */
function channels(plane: Plane, points: readonly Point[], measure: string, legend: ReturnType<typeof legendOf>) {
  const horizontal = points.map(({ x }) => x);
  const xAxis = plane.x === null ? { title: 'trial', format: 'd' } : axisOf(plane.x, horizontal);
  const vertical = points.map(({ y }) => y);
  const yAxis = axisOf(measure, vertical);
  const log = plane.x !== null && spansDecades(horizontal);
  const present = looks.filter(({ series }) => points.some((point) => point.series === series));
  const domain = present.map(({ series }) => series);
  return {
    x: {
      field: 'x',
      type: quantitative,
      title: xAxis.title,
      axis: { format: xAxis.format },
      scale: { nice: true, ...(log ? { type: 'log' as const } : { zero: false }) },
    },
    y: {
      field: 'y',
      type: quantitative,
      title: yAxis.title,
      axis: { format: yAxis.format },
      scale: { zero: false, nice: true },
    },
    color: { field: 'series', type: nominal, scale: { domain, range: present.map(({ color }) => color) }, ...legend },
    shape: { field: 'series', type: nominal, scale: { domain, range: present.map(({ shape }) => shape) }, ...legend },
  };
}

/** Of so many points in the background, each is drawn. */
const manyPoints = 2000;

/** Cells of the picture of which one point is drawn when there are more. */
const cells = { x: 205, y: 120 };

/** The points of which something would be seen: of many that lie on each other, the first. */
function visible(points: readonly Point[]): readonly Point[] {
  if (points.length <= manyPoints) return points;
  const cellOf = (axis: 'x' | 'y') => {
    const low = points.reduce((least, point) => Math.min(least, point[axis]), Infinity);
    const high = points.reduce((most, point) => Math.max(most, point[axis]), -Infinity);
    return (point: Point) => Math.floor((cells[axis] * (point[axis] - low)) / (high - low || 1));
  };
  const [column, row] = [cellOf('x'), cellOf('y')];
  const first = new Map<number, Point>();
  for (const point of points) {
    const cell = column(point) * (cells.y + 1) + row(point);
    if (!first.has(cell)) first.set(cell, point);
  }
  return [...first.values()];
}

/** Where the trials stand that were trained in part: at what they had come to. */
const stoppedPoints = ({ trials, objectives }: ReportData, plane: Plane): readonly Point[] =>
  visible(
    trials
      .filter(({ state, values }) => state === 'pruned' && objectives.every(({ name }) => name in values))
      .map((trial) => point(trial, plane, seriesNames.stopped))
      .filter(isPoint),
  );

/** Final accuracies stand beside those of the search, which the subtitle and the legend tell apart. */
const verticalMeasure = ({ y }: Plane, finals: readonly Point[]): string =>
  finals.length > 0 && isAccuracy(y) ? 'accuracy' : y;

/** The chart as Vega-Lite; what `renderFrontier` draws. */
export function frontierSpec(data: ReportData): TopLevelSpec {
  const plane = planeOf(data);
  const members = new Set(data.frontier.map(({ number }) => number));
  const trials = visible(
    data.trials
      .filter(({ number, state }) => state === 'complete' && !members.has(number))
      .map((trial) => point(trial, plane, seriesNames.trials))
      .filter(isPoint),
  );
  const stopped = stoppedPoints(data, plane);
  const frontier = data.frontier.map((member) => withInterval(member, plane)).filter(isPoint);
  const finals = data.frontier.map((member) => finalPoint(member, plane)).filter(isPoint);
  const enqueued = data.trials
    .filter(({ state }) => state === 'complete')
    .map((trial) => enqueuedPoint(trial, plane))
    .filter(isPoint);
  const measured = frontier.filter(({ low }) => low !== undefined);
  const highest = [...finals, ...frontier.filter((f) => !finals.some(({ label }) => label === f.label))];
  const vertical = verticalMeasure(plane, finals);
  const { x, y, color, shape } = channels(
    plane,
    [...stopped, ...trials, ...frontier, ...finals, ...enqueued],
    vertical,
    legendOf(data, finals),
  );
  const horizontal = plane.x === null ? 'trial' : objectiveTitle(plane.x);
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: 820,
    height: 480,
    title: {
      text: `${capitalised(objectiveTitle(vertical))} against ${horizontal}`,
      subtitle: subtitle(data, plane),
    },
    layer: [
      ...layer(stopped, {
        mark: { type: 'point', filled: true, size: 34, opacity: 0.8 },
        encoding: { x, y, color, shape },
      }),
      ...layer(trials, {
        mark: { type: 'point', filled: true, size: 34, opacity: 0.5 },
        encoding: { x, y, color, shape },
      }),
      ...layer(frontier, {
        mark: { type: 'line', color: palette.search, strokeWidth: 1.6, interpolate: stairs(data, plane) },
        encoding: { x, y, order: { field: 'x', type: quantitative } },
      }),
      ...layer(measured, {
        mark: { type: 'rule', color: palette.ink, strokeWidth: 1.2 },
        encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y },
      }),
      ...['low', 'high'].flatMap((field) =>
        layer(measured, {
          mark: { type: 'tick', color: palette.ink, thickness: 1.2, size: 9, orient: 'vertical' },
          encoding: { x: { ...x, field }, y },
        }),
      ),
      ...layer(finals, {
        mark: { type: 'rule', color: palette.final, strokeWidth: 1, strokeDash: [2, 3], opacity: 0.8 },
        encoding: { x, y: { ...y, field: 'from' }, y2: { field: 'y' } },
      }),
      ...layer([...frontier, ...finals], {
        mark: { type: 'point', filled: true, size: 80, opacity: 1, stroke: palette.background, strokeWidth: 1 },
        encoding: { x, y, color, shape },
      }),
      ...layer(enqueued, {
        mark: { type: 'point', filled: false, size: 190, opacity: 1, strokeWidth: 1.8 },
        encoding: { x, y, color, shape },
      }),
      ...layer(enqueued, {
        mark: { type: 'text', align: 'center', dy: 17, fontSize: 11, color: palette.enqueued },
        encoding: { x, y, text: { field: 'label', type: nominal } },
      }),
      ...layer(highest, {
        mark: { type: 'text', align: 'center', dy: -12, fontSize: 11, color: palette.ink },
        encoding: { x, y, text: { field: 'label', type: nominal } },
      }),
    ],
  };
}

const capitalised = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

/** Between two members nothing better is known than the one before: the frontier is a staircase. */
function stairs({ objectives }: ReportData, plane: Plane): 'step-after' | 'step-before' | 'linear' {
  const horizontal = objectives.find(({ name }) => name === plane.x);
  if (horizontal === undefined) return 'linear';
  return horizontal.direction === 'minimize' ? 'step-after' : 'step-before';
}

/**
 * `frontier.svg`: all trials faintly, the frontier as a staircase, final accuracies as diamonds, intervals as bars, and
 * squares around what was given beforehand.
 */
export const renderFrontier = (data: ReportData): Promise<string> => renderSvg(frontierSpec(data));
