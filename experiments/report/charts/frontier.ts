import type { TopLevelSpec } from 'vega-lite';
import { isAccuracy } from '../../measures.js';
import type { ReportData } from '../data.js';
import { axisOf, objectiveTitle } from '../format.js';
import { searchedKind, subtitle } from './frontier-caption.js';
import {
  enqueuedPoint,
  finalPoint,
  isPoint,
  planeOf,
  point,
  seriesIn,
  seriesNames,
  stoppedPoints,
  visible,
  withInterval,
  type Plane,
  type Point,
} from './frontier-points.js';
import { palette, renderSvg } from './render.js';

/** Whether a logarithmic axis is due: positive values that span more than a factor of thirty. */
const spansDecades = (values: readonly number[]): boolean => {
  const positive = values.filter((value) => value > 0);
  return positive.length === values.length && Math.max(...values) / Math.min(...values) > 30;
};

type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number];

const quantitative = 'quantitative' as const;
const nominal = 'nominal' as const;

/** A layer over its own points; none without points, which would have no scale. */
const layer = (values: readonly Point[], look: Layer): Layer[] =>
  values.length === 0 ? [] : [{ ...look, data: { values: [...values] } }];

interface Look {
  readonly series: string;
  readonly color: string;
  readonly shape: string;
}

const stoppedLook: Look = { series: seriesNames.stopped, color: palette.fainter, shape: 'cross' };
const enqueuedLook: Look = { series: seriesNames.enqueued, color: palette.enqueued, shape: 'square' };
/** Series of networks that have a precision, with the shape of those in int8. */
const networks = [
  { series: seriesNames.trials, color: palette.faint, shape: 'circle', int8: 'triangle-up' },
  { series: seriesNames.search, color: palette.search, shape: 'circle', int8: 'triangle-up' },
  { series: seriesNames.final, color: palette.final, shape: 'diamond', int8: 'triangle-down' },
] as const;

/** How the series look, in the order of the legend; where a run knows two precisions, one pair a line. */
const looks = (data: ReportData): readonly Look[] =>
  data.precisions === undefined
    ? [stoppedLook, ...networks, enqueuedLook]
    : [
        ...networks.flatMap(({ series, color, shape, int8 }): Look[] => [
          { series: seriesIn(series, 'fp32'), color, shape },
          { series: seriesIn(series, 'int8'), color, shape: int8 },
        ]),
        stoppedLook,
        enqueuedLook,
      ];

/** What stands beside accuracies of another kind says which it is. */
function legendOf(data: ReportData, finals: readonly Point[]) {
  const kind = searchedKind(data);
  const columns = data.precisions === undefined ? {} : { columns: 2 };
  if (finals.length === 0 || kind === 'accuracy') return data.precisions === undefined ? {} : { legend: columns };
  const label = `${seriesNames.search} (${objectiveTitle(kind)})`;
  return { legend: { ...columns, labelExpr: `replace(datum.label, '${seriesNames.search}', '${label}')` } };
}

/** How points become positions, colours and shapes; shared by all layers, and so one legend. */
function channels(data: ReportData, plane: Plane, points: readonly Point[], finals: readonly Point[]) {
  const legend = legendOf(data, finals);
  const measure = verticalMeasure(plane, finals);
  const horizontal = points.map(({ x }) => x);
  const xAxis = plane.x === null ? { title: 'trial', format: 'd' } : axisOf(plane.x, horizontal);
  const vertical = points.map(({ y }) => y);
  const yAxis = axisOf(measure, vertical);
  const log = plane.x !== null && spansDecades(horizontal);
  const present = looks(data).filter(({ series }) => points.some((point) => point.series === series));
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

/** Final accuracies stand beside those of the search, which the subtitle and the legend tell apart. */
const verticalMeasure = ({ y }: Plane, finals: readonly Point[]): string =>
  finals.length > 0 && isAccuracy(y) ? 'accuracy' : y;

/** The chart as Vega-Lite; what `renderFrontier` draws. */
export function frontierSpec(data: ReportData): TopLevelSpec {
  const plane = planeOf(data);
  const members = new Set(data.frontier.map(({ number, precision }) => seriesIn(String(number), precision)));
  const trials = visible(
    data.trials
      .filter(({ state }) => state === 'complete')
      .map((trial) => point(trial, plane, seriesIn(seriesNames.trials, trial.precision)))
      .filter(isPoint)
      .filter(({ of }) => !members.has(of)),
  );
  const stopped = stoppedPoints(data, plane);
  const frontier = data.frontier.map((member) => withInterval(member, plane)).filter(isPoint);
  const finals = data.frontier.map((member) => finalPoint(member, plane)).filter(isPoint);
  const enqueued = data.trials
    .filter(({ state }) => state === 'complete')
    .map((trial) => enqueuedPoint(trial, plane))
    .filter(isPoint);
  const measured = frontier.filter(({ low }) => low !== undefined);
  const highest = [...finals, ...frontier.filter((f) => !finals.some((final) => final.of === f.of))];
  const vertical = verticalMeasure(plane, finals);
  const { x, y, color, shape } = channels(
    data,
    plane,
    [...stopped, ...trials, ...frontier, ...finals, ...enqueued],
    finals,
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
 * squares around what was given beforehand; networks in int8 are triangles, which point down for final accuracies.
 */
export const renderFrontier = (data: ReportData): Promise<string> => renderSvg(frontierSpec(data));
