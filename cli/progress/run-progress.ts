import { duration, objectiveValue } from '../../reports/index.js';
import type { RunEvent, RunObserver, TrialStepEvent } from '../../runner/events.js';
import { LiveLines } from '../output/live-lines.js';
import type { Terminal } from '../output/terminal.js';
import { epochLine, lineOf } from './event-lines.js';
import { type ProgressState, ProgressTracker } from './tracker.js';

interface ProgressView {
  readonly observe: RunObserver;
  readonly close: () => void;
}

/** Minimum time between two redraws, ms. */
const interval = 120;

const barWidth = 24;

function bar(done: number, total: number): string {
  const filled = Math.round((barWidth * done) / Math.max(1, total));
  return `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
}

/** Time until the end of the phase, and of the budget. */
const leftText = ({ etaSeconds, budgetSeconds }: NonNullable<ProgressState['progress']>): string => {
  const eta = etaSeconds === undefined || etaSeconds < 1 ? '' : `, ${duration(etaSeconds)} left`;
  return budgetSeconds === undefined ? eta : `${eta}, ${duration(Math.max(0, budgetSeconds))} of the budget`;
};

function overall({ message, progress, frontier }: ProgressState): string {
  if (progress === null) return message;
  const { done, total, unit, detail } = progress;
  const eta = leftText(progress);
  const members = frontier === null ? '' : `, frontier ${frontier.members}`;
  const best = frontier?.best === undefined ? '' : `, best ${objectiveValue(...frontier.best)}`;
  return `${bar(done, total)} ${done}/${total} ${unit}${eta}${detail === undefined ? '' : `, ${detail}`}${members}${best}`;
}

/** Subject of a worker's line by stage. */
const subjects: { readonly [S in TrialStepEvent['stage']]: string } = {
  search: 'trial',
  final: 'final training of trial',
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

/** @param maxWorkers maximum number of worker lines */
function liveLines(state: ProgressState, maxWorkers: number): string[] {
  const { phase, workers, hosts } = state;
  // Host names are shown when there are several.
  const several = new Set(hosts.values()).size > 1;
  const steps = [...workers.values()].sort((a, b) => a.worker - b.worker);
  const shown = steps.length > maxWorkers ? steps.slice(0, maxWorkers - 1) : steps;
  return [
    ...(phase === null ? [] : [overall(state)]),
    ...shown.map((step) => workerLine(step, several ? hosts.get(step.worker) : undefined)),
    ...(shown.length < steps.length ? [`  and ${steps.length - shown.length} other workers`] : []),
  ];
}

/** Redraws a few lines at the bottom; permanent lines scroll above them. */
function createLiveView(terminal: Terminal, clock: () => number): ProgressView {
  const tracker = new ProgressTracker(clock);
  const lines = new LiveLines(terminal);
  let last = -Infinity;
  const draw = (above: string): void => {
    // A live part higher than the screen could not be erased.
    const maxWorkers = Math.max(2, ((terminal.rows?.() ?? 0) || 24) - 3);
    lines.draw(above, liveLines(tracker.state, maxWorkers));
    last = clock();
  };
  return {
    observe: (event) => {
      tracker.apply(event);
      const line = event.kind === 'phase' ? null : lineOf(event);
      if (line !== null) draw(`${line}\n`);
      else if (event.kind === 'phase' || clock() - last >= interval) draw('');
    },
    close: () => lines.close(),
  };
}

const tenths = 10;

/** Plain lines without timestamps: for logs, pipes and CI. */
function createPlainView({ err }: Terminal, clock: () => number): ProgressView {
  const tracker = new ProgressTracker(clock);
  let shown = { phase: '', tenth: 0 };
  const progressLine = ({ phase, done, total, unit }: Extract<RunEvent, { kind: 'progress' }>): string | null => {
    const tenth = Math.floor((tenths * done) / Math.max(1, total));
    if (phase === shown.phase && tenth <= shown.tenth) return null;
    const first = phase !== shown.phase && tenth === 0;
    shown = { phase, tenth };
    if (first) return null;
    const { progress } = tracker.state;
    const left = progress === null ? '' : leftText(progress);
    return `${phase}: ${done} of ${total} ${unit}${left}`;
  };
  const lineFor = (event: RunEvent): string | null => {
    if (event.kind === 'progress') return progressLine(event);
    return event.kind === 'trial-epoch' || event.kind === 'phase-epoch' ? epochLine(event) : lineOf(event);
  };
  return {
    observe: (event) => {
      tracker.apply(event);
      const line = lineFor(event);
      if (line !== null) err(`${line}\n`);
    },
    close: () => undefined,
  };
}

/** Live lines on a terminal, plain lines elsewhere. */
export const createProgressView = (terminal: Terminal, clock: () => number = () => performance.now()): ProgressView =>
  terminal.live ? createLiveView(terminal, clock) : createPlainView(terminal, clock);
