import { storedPrecisions } from '../../../store/precision.js';
import { accuracyOf, isAccuracy } from '../../measures.js';
import type { ReportData } from '../data.js';
import { objectiveTitle } from '../format.js';
import type { Plane } from './frontier-points.js';

/** How the latencies came to be: device, threads, and how many are predicted only. */
function latencyNote(data: ReportData, plane: Plane): string {
  if (plane.x !== 'latency_ms') return '';
  const measured = data.frontier.flatMap(({ latency }) => latency ?? []);
  if (measured.length === 0) return 'Latency: predicted, not measured.';
  const whose = measured.length === data.frontier.length ? '' : ` of ${measured.length} frontier networks`;
  const others = data.trials.filter(({ provenance }) => provenance['latency_ms'] === 'predicted').length;
  const predicted = others > 0 ? ` Latency of ${others} trials predicted.` : '';
  return `Latency${whose}: measured on ${measured[0].on}; bars: 95 % interval.${predicted}`;
}

export function subtitle(data: ReportData, plane: Plane): string[] {
  const { counts, name, seed, evaluation } = data.run;
  if (evaluation === 'table') {
    const found = `${counts.complete} trials evaluated, ${data.frontier.length} on the frontier.`;
    return wrapped(`${name} (seed ${seed}), ${data.provenance.data}: ${found}`);
  }
  const trained = `${counts.complete} trials ${nothingTrained(data) ? 'evaluated' : 'trained'}, ${data.frontier.length} on the frontier${inPrecisions(data)}.`;
  return [
    ...wrapped(`${name} (seed ${seed}), ${data.provenance.data}: ${trained}`),
    ...wrapped(`Accuracy: validation split${searchedAs(data)}. ${latencyNote(data, plane)}`),
  ];
}

/** ` (5 fp32, 4 int8)`, where a run knows more than fp32. */
function inPrecisions({ frontier, precisions }: ReportData): string {
  if (precisions === undefined) return '';
  const numbers = storedPrecisions.map((precision) => {
    const own = frontier.filter((member) => member.precision === precision);
    return `${own.length} ${precision}`;
  });
  return ` (${numbers.join(', ')})`;
}

/** The kind of accuracy that the search went by, where it is not the usual one. */
function searchedAs(data: ReportData): string {
  const kind = searchedKind(data);
  return kind === 'accuracy' ? '' : `; in the search, ${objectiveTitle(kind)}`;
}

export const searchedKind = ({ objectives }: ReportData): string =>
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
