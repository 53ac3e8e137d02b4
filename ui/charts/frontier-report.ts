import { mainScores } from '../../base/scores.js';
import type { ReportData, ReportTrial } from '../../reports/page/api.js';
import { isAccuracy, precisions, sliced, titleOf, unusualAccuracy } from '../data/measures.js';
import {
  type FrontierInput,
  type FrontierPoint,
  type FrontierSeries,
  memberPoints,
  type Plane,
  planeOf,
  pointOf,
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
  const unsure =
    latencies === null ? '' : ` ${latencies.unreliable} of ${latencies.measured} measured latencies are not reliable.`;
  return `Latency${whose}: measured on ${measured[0].on}; bars: 95 % intervals.${predicted}${unsure}`;
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

const keyOf = ({ number, precision = null }: ReportTrial): string => `${number} ${precision ?? ''}`;

/** `Accuracy`; `mAP` stays as it is. */
const capitalised = (text: string): string => text.replace(/^[a-z](?=[a-z]*\b)/, (first) => first.toUpperCase());

/** All marks of a run, without background marks that lie on others. */
function pointsOf({ trials, frontier, objectives, measures }: ReportData, plane: Plane): readonly FrontierPoint[] {
  const members = new Set(frontier.map(keyOf));
  const complete = trials.filter(({ state }) => state === 'complete');
  const stopped = trials.filter(
    ({ state, values }) => state === 'pruned' && objectives.every(({ name }) => name in values),
  );
  const marksOf = (some: readonly ReportTrial[], series: FrontierSeries): readonly FrontierPoint[] =>
    some.flatMap((trial) => {
      const at = pointOf(trial, plane, series);
      return at === null ? [] : [{ ...at, ...(series === 'enqueued' && { label: trial.enqueued ?? '' }) }];
    });
  const accuracy = isAccuracy(measures, plane.y);
  return [
    ...visible(marksOf(stopped, 'stopped')),
    ...visible(
      marksOf(
        complete.filter((trial) => !members.has(keyOf(trial))),
        'trial',
      ),
    ),
    ...frontier.flatMap((member) => memberPoints(member, plane, accuracy ? member.final : null)),
    ...marksOf(
      complete.filter(({ enqueued }) => enqueued !== null),
      'enqueued',
    ),
  ];
}

export function frontierOfReport(data: ReportData, theme: ChartTheme): FrontierInput {
  const { objectives, measures } = data;
  const plane = planeOf(objectives);
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
