import type { ReportData, ReportMember, ReportTrial } from '../../experiments/page/api.js';
import { isAccuracy, unusualAccuracy } from '../data/measures.js';
import { titleOf } from '../data/text.js';
import { subtitleOf } from './frontier-caption.js';
import {
  planeOf,
  seriesNames,
  type FrontierInput,
  type FrontierPoint,
  type FrontierSeries,
  type Plane,
} from './frontier-points.js';
import type { Look } from './look.js';
import { visible } from './visible.js';

/** Where a trial stands; null where it lacks a value. */
function pointOf(
  { number, precision = null, values, provenance }: ReportTrial,
  plane: Plane,
  series: FrontierSeries,
): FrontierPoint | null {
  const x = plane.x === null ? number : (values[plane.x] as number | undefined);
  const y = values[plane.y] as number | undefined;
  if (x === undefined || y === undefined) return null;
  const predicted = [plane.x, plane.y].some((name) => name !== null && provenance[name] === 'predicted');
  return { series, key: { number, precision }, x, y, predicted };
}

const isPoint = (value: FrontierPoint | null): value is FrontierPoint => value !== null;

const keyOf = ({ number, precision = null }: ReportTrial): string => `${number} ${precision ?? ''}`;

/** A member's marks: where the search found it, and where its final training came to; the higher one bears its number. */
function memberPoints(member: ReportMember, plane: Plane, measures: ReportData['measures']): readonly FrontierPoint[] {
  const at = pointOf(member, plane, 'frontier');
  if (at === null) return [];
  const label = `#${member.number}`;
  const [low, high] = (plane.x === 'latency_ms' ? member.latency?.interval : undefined) ?? [];
  const found = { ...at, ...(low === undefined || high === undefined ? {} : { low, high }) };
  const accuracy = member.final?.accuracy ?? null;
  if (accuracy === null || !isAccuracy(measures, plane.y)) return [{ ...found, label }];
  return [found, { ...at, series: 'final', y: accuracy, from: at.y, label }];
}

const enqueuedPoint = (trial: ReportTrial, plane: Plane): FrontierPoint | null => {
  const at = trial.enqueued === null ? null : pointOf(trial, plane, 'enqueued');
  return at === null ? null : { ...at, label: trial.enqueued ?? '' };
};

const capitalised = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

/** All marks of a run; of many trials those that are seen. */
function pointsOf({ trials, frontier, objectives, measures }: ReportData, plane: Plane): readonly FrontierPoint[] {
  const members = new Set(frontier.map(keyOf));
  const complete = trials.filter(({ state }) => state === 'complete');
  const stopped = trials.filter(
    ({ state, values }) => state === 'pruned' && objectives.every(({ name }) => name in values),
  );
  return [
    ...visible(stopped.map((trial) => pointOf(trial, plane, 'stopped')).filter(isPoint)),
    ...visible(
      complete
        .filter((trial) => !members.has(keyOf(trial)))
        .map((trial) => pointOf(trial, plane, 'trial'))
        .filter(isPoint),
    ),
    ...frontier.flatMap((member) => memberPoints(member, plane, measures)),
    ...complete.map((trial) => enqueuedPoint(trial, plane)).filter(isPoint),
  ];
}

/** What the picture of a report's frontier is drawn from. */
export function frontierOfReport(data: ReportData, look: Look, plane = planeOf(data.objectives)): FrontierInput {
  const { objectives, measures } = data;
  const points = pointsOf(data, plane);
  const finals = points.some(({ series }) => series === 'final');
  const kind = unusualAccuracy(data);
  // Final accuracies stand beside those of the search, which the subtitle and the legend tell apart.
  const vertical = finals ? 'accuracy' : titleOf(measures, plane.y);
  const horizontal = plane.x === null ? 'trial' : titleOf(measures, plane.x);
  return {
    points,
    plane,
    objectives,
    measures,
    look,
    precisions: data.precisions !== undefined,
    title: `${capitalised(vertical)} against ${horizontal}`,
    subtitle: subtitleOf(data, plane),
    ...(finals ? { yTitle: 'accuracy' } : {}),
    ...(finals && kind !== null ? { names: { frontier: `${seriesNames.frontier} (${kind})` } } : {}),
  };
}

/** The size of `frontier.svg`, px. */
export const frontierSize = { width: 900, height: 620 } as const;
