import { isAccuracy } from '../../measures.js';
import type { StoredPrecision } from '../../../store/index.js';
import type { ReportData, ReportMember, ReportTrial } from '../data.js';

/** The objectives that span the picture; with one objective, it is drawn against the trial's number. */
export interface Plane {
  /** Null: the trial's number. */
  readonly x: string | null;
  readonly y: string;
}

export function planeOf({ objectives }: ReportData): Plane {
  const [first, second] = objectives;
  return { y: first.name, x: objectives.length > 1 ? second.name : null };
}

const valueOf = (trial: ReportTrial, name: string | null): number | undefined =>
  name === null ? trial.number : trial.values[name];

export interface Point {
  readonly x: number;
  readonly y: number;
  readonly series: string;
  readonly label: string;
  /** The network that it shows: its trial and precision. */
  readonly of: string;
  readonly low?: number;
  readonly high?: number;
  readonly from?: number;
}

export const seriesNames = {
  stopped: 'stopped early',
  trials: 'trials',
  search: 'frontier, in the search',
  final: 'after the final training',
  enqueued: 'given beforehand',
} as const;

/** A series of networks in one precision; of runs that know fp32 only, the series. */
export const seriesIn = (series: string, precision?: StoredPrecision | null): string =>
  precision === undefined || precision === null ? series : `${series}: ${precision}`;

export function point(trial: ReportTrial, plane: Plane, series: string): Point | undefined {
  const { number, precision } = trial;
  const x = valueOf(trial, plane.x);
  const y = valueOf(trial, plane.y);
  return x === undefined || y === undefined
    ? undefined
    : { x, y, series, label: `#${number}`, of: seriesIn(String(number), precision) };
}

export const isPoint = (value: Point | undefined): value is Point => value !== undefined;

/** The 95 % interval of a measured latency, where latency is the horizontal axis. */
export function withInterval(member: ReportMember, plane: Plane): Point | undefined {
  const at = point(member, plane, seriesIn(seriesNames.search, member.precision));
  if (at === undefined || plane.x !== 'latency_ms' || member.latency === null) return at;
  const [low, high] = member.latency.interval;
  return { ...at, low, high };
}

export function finalPoint(member: ReportMember, plane: Plane): Point | undefined {
  const accuracy = member.final?.accuracy ?? null;
  const at = point(member, plane, seriesIn(seriesNames.final, member.precision));
  if (at === undefined || accuracy === null || !isAccuracy(plane.y)) return undefined;
  return { ...at, y: accuracy, from: at.y };
}

/** A trial that was given beforehand, under its own name. */
export function enqueuedPoint(trial: ReportTrial, plane: Plane): Point | undefined {
  const at = trial.enqueued === null ? undefined : point(trial, plane, seriesNames.enqueued);
  return at && { ...at, label: trial.enqueued ?? at.label };
}

/** Of so many points in the background, each is drawn. */
const manyPoints = 2000;

/** Cells of the picture of which one point is drawn when there are more. */
const cells = { x: 205, y: 120 };

/** The points of which something would be seen: of many that lie on each other, the first. */
export function visible(points: readonly Point[]): readonly Point[] {
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
export const stoppedPoints = ({ trials, objectives }: ReportData, plane: Plane): readonly Point[] =>
  visible(
    trials
      .filter(({ state, values }) => state === 'pruned' && objectives.every(({ name }) => name in values))
      .map((trial) => point(trial, plane, seriesNames.stopped))
      .filter(isPoint),
  );
