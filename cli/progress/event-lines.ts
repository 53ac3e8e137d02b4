import { duration, hostsText, ms, objectiveTitle, objectiveValue } from '../../reports/index.js';
import { mainScores, scoreText } from '../../base/scores.js';
import type { RunEvent } from '../../runner/events.js';
import type { Values } from '../../search/index.js';
import { printable } from '../output/terminal.js';

type Line<K extends RunEvent['kind']> = (event: Extract<RunEvent, { kind: K }>) => string | null;

const valuesText = (values: Values): string =>
  Object.entries(values)
    .map(([name, value]) => `${objectiveTitle(name)} ${objectiveValue(name, value)}`)
    .join(', ');

/** ` in int8`; empty in runs with fp32 only. */
const inPrecision = (precision: string | undefined): string => (precision === undefined ? '' : ` in ${precision}`);

const why = (message: string | undefined): string => (message === undefined ? '' : `: ${message}`);

const stages: { readonly [S in Extract<RunEvent, { kind: 'trial-finished' }>['stage']]: string } = {
  search: '',
  final: ' (final training)',
};

/** The permanent line of each kind of event; null for events that only update the live view. */
const lines: { readonly [K in RunEvent['kind']]: Line<K> } = {
  begun: () => null,
  phase: ({ message }) => message,
  progress: () => null,
  'phase-epoch': () => null,
  'trial-asked': ({ number, reason, rejected }) =>
    `trial ${number} asked: ${reason}${rejected === 0 ? '' : ` (${rejected} rejected before)`}`,
  'trial-started': ({ stage, number, host, fromEpoch }) =>
    host === undefined
      ? null
      : `trial ${number}${stages[stage]} runs on ${host}${fromEpoch === 0 ? '' : `, from epoch ${fromEpoch + 1}`}`,
  'trial-step': () => null,
  'trial-epoch': () => null,
  'trial-paused': ({ number, epochs, of, values }) =>
    `trial ${number} after ${epochs} of ${of} epochs: ${valuesText(values)}`,
  'trial-promoted': ({ number, epochs, reason }) => `trial ${number} is promoted to ${epochs} epochs: ${reason}`,
  'trial-finished': ({ stage, number, precision, state, values, message }) => {
    const found = valuesText(values);
    return `trial ${number}${stages[stage]} ${state}${inPrecision(precision)}${why(message)}${found === '' ? '' : `: ${found}`}`;
  },
  'trial-retried': ({ number, attempt, attempts, message }) =>
    `trial ${number} is restarted (attempt ${attempt} of ${attempts}): ${message}`,
  measured: ({ purpose, precision, number, ms: latency, predictedMs, converged }) => {
    if (purpose !== 'frontier') return null;
    const predicted = predictedMs === undefined ? '' : ` (predicted ${ms(predictedMs)})`;
    return `trial ${number ?? '?'} measured${inPrecision(precision)}: ${ms(latency)}${predicted}${converged ? '' : '; the interval is still wide'}`;
  },
  'prediction-quality': ({ precision, count, unreliable, mape, spearman }) =>
    `latency model${inPrecision(precision)}: mean error ${mape.toFixed(1)} %, rank correlation ${spearman.toFixed(3)} over ${unreliable === 0 ? `${count} reliable measurements` : `${count} measurements, ${unreliable} not reliable`}`,
  frontier: () => null,
  note: ({ message }) => printable(message),
  warning: ({ message }) => `warning: ${printable(message)}`,
  stopping: ({ message }) => message,
  done: ({ state, workdir, complete, pruned, failed, seconds, files, hosts = [] }) => {
    const others = [pruned > 0 ? `, ${pruned} pruned` : '', failed > 0 ? `, ${failed} failed` : ''].join('');
    const where = `${workdir}${files.length === 0 ? '' : ` (${files.join(', ')})`}`;
    return `${state}: ${complete} ${complete === 1 ? 'trial' : 'trials'} complete${others}${hosts.length === 0 ? '' : ` on ${hostsText(hosts)}`}, ${duration(seconds)} since the start of this command; results in ${where}`;
  },
};

export function lineOf(event: RunEvent): string | null {
  // The table maps each kind to a function of events of that kind.
  const line = lines[event.kind] as (event: RunEvent) => string | null;
  return line(event);
}

export function epochLine(event: Extract<RunEvent, { kind: 'trial-epoch' | 'phase-epoch' }>): string {
  const { task, epoch, epochs, validationAccuracy, trainLoss } = event;
  const what = event.kind === 'trial-epoch' ? `trial ${event.number}` : event.phase;
  const whose = event.kind === 'phase-epoch' && event.phase === 'supernet' ? ' of its largest network' : '';
  return `${what} epoch ${epoch + 1}/${epochs}: validation ${mainScores[task].title}${whose} ${scoreText(task, validationAccuracy)}, loss ${trainLoss.toFixed(4)}`;
}
