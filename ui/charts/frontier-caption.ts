import type { ReportData } from '../../experiments/page/api.js';
import { sliced, unusualAccuracy } from '../data/measures.js';
import { precisions } from '../data/precisions.js';
import type { Plane } from './frontier-points.js';

/** Longer lines would make the picture wider. */
const lineLength = 110;

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.trim().split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + word.length >= lineLength) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

/** How the latencies came to be: device, threads, and how many are predicted only. */
function latencyNote({ frontier, trials }: ReportData, plane: Plane): string {
  if (plane.x !== 'latency_ms') return '';
  const measured = frontier.flatMap(({ latency }) => latency ?? []);
  if (measured.length === 0) return 'Latency: predicted, not measured.';
  const whose = measured.length === frontier.length ? '' : ` of ${measured.length} frontier networks`;
  const others = trials.filter(({ provenance }) => provenance['latency_ms'] === 'predicted').length;
  const predicted = others > 0 ? ` Latency of ${others} trials predicted.` : '';
  return `Latency${whose}: measured on ${measured[0].on}; bars: 95 % interval.${predicted}`;
}

/** ` (5 fp32, 4 int8)`, where a run knows more than fp32. */
function inPrecisions({ frontier, precisions: report }: ReportData): string {
  if (report === undefined) return '';
  const numbers = precisions.map((each) => `${frontier.filter(({ precision }) => precision === each).length} ${each}`);
  return ` (${numbers.join(', ')})`;
}

/** What a picture of a run's frontier is of: run, data, trials, and how accuracies and latencies came to be. */
export function subtitleOf(data: ReportData, plane: Plane): readonly string[] {
  const { counts, name, seed, evaluation } = data.run;
  const what = `${name} (seed ${seed}), ${data.provenance.data}`;
  if (evaluation === 'table')
    return wrapped(`${what}: ${counts.complete} trials evaluated, ${data.frontier.length} on the frontier.`);
  const kind = unusualAccuracy(data);
  const searchedAs = kind === null ? '' : `; in the search, ${kind}`;
  const trained = sliced(data) ? 'evaluated' : 'trained';
  return [
    ...wrapped(
      `${what}: ${counts.complete} trials ${trained}, ${data.frontier.length} on the frontier${inPrecisions(data)}.`,
    ),
    ...wrapped(`Accuracy: validation split${searchedAs}. ${latencyNote(data, plane)}`),
  ];
}
