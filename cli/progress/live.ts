import { duration, objectiveValue } from '../../experiments/report/index.js';
import type { TrialStepEvent } from '../../experiments/runner/events.js';
import type { Terminal } from '../output/terminal.js';
import { lineOf } from './lines.js';
import { ProgressTracker, type ProgressState } from './state.js';
import type { ProgressView } from './view.js';

/** The picture is drawn at most this often, in ms. */
const interval = 120;

const barWidth = 24;

function bar(done: number, total: number): string {
  const filled = Math.round((barWidth * done) / Math.max(1, total));
  return `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
}

function overall({ message, progress, frontier }: ProgressState): string {
  if (progress === null) return message;
  const { done, total, unit, etaSeconds, detail } = progress;
  const eta = etaSeconds === undefined ? '' : `, ${duration(etaSeconds)} left`;
  const members = frontier === null ? '' : `, frontier ${frontier.members}`;
  const best = frontier?.accuracy === undefined ? '' : `, best ${objectiveValue('accuracy', frontier.accuracy)}`;
  return `${bar(done, total)} ${done}/${total} ${unit}${eta}${detail === undefined ? '' : `, ${detail}`}${members}${best}`;
}

/** What a worker trains at each stage. */
const subjects: { readonly [S in TrialStepEvent['stage']]: string } = {
  search: 'trial',
  final: 'final training of trial',
  'quantize-aware': 'fine-tuning for int8 of trial',
};

function workerLine(
  { worker, stage, number, epoch, epochs, step, steps, imagesPerSecond, loss }: TrialStepEvent,
  host: string | undefined,
): string {
  const what = subjects[stage];
  const who = host === undefined ? `worker ${worker}` : `worker ${worker} on ${host}`;
  const where = `epoch ${epoch + 1}/${epochs}, step ${step}/${steps}`;
  return `  ${who}: ${what} ${number}, ${where}, ${Math.round(imagesPerSecond)} images/s, loss ${loss.toFixed(4)}`;
}

/** @param most lines of workers */
function picture(state: ProgressState, most: number): string[] {
  const { phase, workers, hosts } = state;
  // One machine needs no name in every line.
  const several = new Set(hosts.values()).size > 1;
  const steps = [...workers.values()].sort((a, b) => a.worker - b.worker);
  const shown = steps.length > most ? steps.slice(0, most - 1) : steps;
  return [
    ...(phase === null ? [] : [overall(state)]),
    ...shown.map((step) => workerLine(step, several ? hosts.get(step.worker) : undefined)),
    ...(shown.length < steps.length ? [`  and ${steps.length - shown.length} other workers`] : []),
  ];
}

/** A few lines at the bottom that are drawn again, with everything worth keeping above them. */
export function createLiveView({ err, columns, rows }: Terminal, clock: () => number): ProgressView {
  const tracker = new ProgressTracker(clock);
  let drawn = 0;
  let last = -Infinity;
  const erase = (): string => (drawn === 0 ? '' : `\u001b[${drawn}A\u001b[J`);
  const draw = (above: string): void => {
    const width = Math.max(20, columns() || 80) - 1;
    // What is higher than the screen cannot be drawn again.
    const most = Math.max(2, ((rows?.() ?? 0) || 24) - 3);
    const lines = picture(tracker.state, most).map((line) => line.slice(0, width));
    err(`${erase()}${above}${lines.map((line) => `${line}\n`).join('')}`);
    drawn = lines.length;
    last = clock();
  };
  return {
    observe: (event) => {
      tracker.apply(event);
      const line = event.kind === 'phase' ? null : lineOf(event);
      if (line !== null) draw(`${line}\n`);
      else if (event.kind === 'phase' || clock() - last >= interval) draw('');
    },
    close: () => {
      err(erase());
      drawn = 0;
    },
  };
}
