import { placeText } from '../../base/certainty.js';
import { mainScores } from '../../base/scores.js';
import type { Certainty, ReportData, ReportMember, ReportTrial } from '../../reports/page/api.js';
import { isAccuracy, memberLabel, precisions, sliced, titleOf, unusualAccuracy } from '../data/measures.js';
import {
  type FrontierInput,
  type FrontierPoint,
  type FrontierSeries,
  memberPoints,
  type Plane,
  planeOf,
  seriesNames,
} from './frontier-series.js';
import type { ChartTheme } from './theme.js';
import { wrapped } from './frame.js';
import { visible } from './points.js';

/** The longest line of the subtitle, in characters. */
const lineLength = 110;

/** Lines of the subtitle. */
const linesOf = (text: string): string[] => wrapped(text, lineLength);

/** The device that measured the latencies, and how many are predicted. */
function latencyNote({ frontier, trials, latencies }: ReportData, plane: Plane): string {
  if (plane.x !== 'latency_ms') return '';
  const measured = frontier.flatMap(({ latency }) => latency ?? []);
  if (measured.length === 0) return 'Latency: predicted, not measured.';
  const whose = measured.length === frontier.length ? '' : ` of ${measured.length} frontier networks`;
  const others = trials.filter(({ provenance }) => provenance['latency_ms'] === 'predicted').length;
  const predicted = others > 0 ? ` Latency of ${others} trials predicted.` : '';
  const doubts =
    latencies === null ? '' : ` ${latencies.unreliable} of ${latencies.measured} measured latencies are not reliable.`;
  return `Latency${whose}: measured on ${measured[0].on}; bars: 95 % intervals.${predicted}${doubts}`;
}

/** ` (5 fp32, 4 int8)`, in a run with int8. */
function inPrecisions({ frontier, precisions: report }: ReportData): string {
  if (report === undefined) return '';
  const numbers = precisions.map((each) => `${frontier.filter(({ precision }) => precision === each).length} ${each}`);
  return ` (${numbers.join(', ')})`;
}

/** The subtitle: run, data, trials, and the sources of accuracies and latencies. */
function subtitleOf(data: ReportData, plane: Plane): readonly string[] {
  const { counts, name, seed, evaluation } = data.run;
  const what = `${name} (seed ${seed}), ${data.provenance.data}`;
  if (evaluation !== 'training')
    return linesOf(`${what}: ${counts.complete} trials evaluated, ${data.frontier.length} on the frontier.`);
  const kind = unusualAccuracy(data);
  const searchedAs = kind === null ? '' : `; in the search, ${kind}`;
  const trained = sliced(data) ? 'evaluated' : 'trained';
  return [
    ...linesOf(
      `${what}: ${counts.complete} trials ${trained}, ${data.frontier.length} on the frontier${inPrecisions(data)}.`,
    ),
    ...linesOf(
      `${capitalised(mainScores[data.run.task].title)}: validation split${searchedAs}. ${latencyNote(data, plane)}`,
    ),
  ];
}

/** The mark of a trial; null where it lacks a value. */
function pointOf(
  { number, precision = null, values, provenance, certainty = {}, rivals = [] }: ReportTrial,
  plane: Plane,
  series: FrontierSeries,
): FrontierPoint | null {
  const x = plane.x === null ? number : (values[plane.x] as number | undefined);
  const y = values[plane.y] as number | undefined;
  if (x === undefined || y === undefined) return null;
  const predicted = [plane.x, plane.y].some((name) => name !== null && provenance[name] === 'predicted');
  const known = (name: string | null) => (name === null ? undefined : (certainty[name] as Certainty | undefined));
  const [across, upright] = [known(plane.x), known(plane.y)];
  const unreliable = across?.unreliable ?? upright?.unreliable;
  return {
    series,
    key: { number, precision },
    x,
    y,
    predicted,
    ...(series === 'frontier' && {
      intervals: { ...(across && { x: across.interval }), ...(upright && { y: upright.interval }) },
      place: placeText({ rivals, certainty }),
    }),
    ...(unreliable !== undefined && { unreliable }),
  };
}

const isPoint = (value: FrontierPoint | null): value is FrontierPoint => value !== null;

const keyOf = ({ number, precision = null }: ReportTrial): string => `${number} ${precision ?? ''}`;

function pointsOfMember(
  member: ReportMember,
  plane: Plane,
  measures: ReportData['measures'],
): readonly FrontierPoint[] {
  const at = pointOf(member, plane, 'frontier');
  if (at === null) return [];
  const final = isAccuracy(measures, plane.y) ? (member.final?.accuracy ?? null) : null;
  return memberPoints({ ...at, label: memberLabel(member.number, member), final, error: member.final?.standardError });
}

const enqueuedPoint = (trial: ReportTrial, plane: Plane): FrontierPoint | null => {
  const at = trial.enqueued === null ? null : pointOf(trial, plane, 'enqueued');
  return at === null ? null : { ...at, label: trial.enqueued ?? '' };
};

/** `Accuracy`; `mAP` stays as it is. */
const capitalised = (text: string): string => text.replace(/^[a-z](?=[a-z]*\b)/, (first) => first.toUpperCase());

/** All marks of a run, without background marks that lie on others. */
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
    ...frontier.flatMap((member) => pointsOfMember(member, plane, measures)),
    ...complete.map((trial) => enqueuedPoint(trial, plane)).filter(isPoint),
  ];
}

export function frontierOfReport(data: ReportData, theme: ChartTheme, plane = planeOf(data.objectives)): FrontierInput {
  const { objectives, measures } = data;
  const points = pointsOf(data, plane);
  const finals = points.some(({ series }) => series === 'final');
  const kind = unusualAccuracy(data);
  // Final accuracies share the axis with those of the search; the subtitle and the legend distinguish them.
  const score = mainScores[data.run.task].title;
  const vertical = finals ? score : titleOf(measures, plane.y);
  const horizontal = plane.x === null ? 'trial' : titleOf(measures, plane.x);
  return {
    points,
    plane,
    objectives,
    measures,
    theme,
    precisions: data.precisions !== undefined,
    title: `${capitalised(vertical)} against ${horizontal}`,
    subtitle: subtitleOf(data, plane),
    ...(finals ? { yTitle: score } : {}),
    ...(finals && kind !== null ? { names: { frontier: `${seriesNames.frontier} (${kind})` } } : {}),
  };
}

export const frontierSize = { width: 900, height: 620 } as const;
