import type { WorkerEvent } from '../../workers/worker/job-run.js';
import { LiveLines } from '../output/live-lines.js';
import type { Terminal } from '../output/terminal.js';
import { beginLine, endLine, epochLine, slotLine, type SlotState } from './lines.js';

/** Shows a worker's jobs: a line when a job begins or ends and, on a terminal, a live line for each slot. */
interface WorkerView {
  note(message: string): void;
  observe(event: WorkerEvent): void;
  /** Leaves the screen as it should stay. */
  close(): void;
}

/** The slots are drawn at most this often, in ms. */
const interval = 120;

/** @param clock in ms */
export function createWorkerView(
  terminal: Pick<Terminal, 'err' | 'live' | 'columns'>,
  clock: () => number = () => performance.now(),
): WorkerView {
  const slots = new Map<number, SlotState>();
  const lines = new LiveLines(terminal);
  const { live } = terminal;
  let last = -Infinity;
  const draw = (above: string): void => {
    lines.draw(above, live ? [...slots.values()].sort((a, b) => a.job.slot - b.job.slot).map(slotLine) : []);
    last = clock();
  };
  const observe = (event: WorkerEvent): void => {
    const { slot } = event.job;
    switch (event.kind) {
      case 'began':
        slots.set(slot, { job: event.job, latest: null });
        draw(`${beginLine(event.job)}\n`);
        break;
      case 'ended':
        slots.delete(slot);
        draw(`${endLine(event)}\n`);
        break;
      case 'event':
        slots.set(slot, { job: event.job, latest: event.event });
        if (event.event.kind === 'epoch' && !live) draw(`${epochLine(event.job, event.event)}\n`);
        else if (live && clock() - last >= interval) draw('');
        break;
    }
  };
  return {
    note: (message) => draw(`${message}\n`),
    observe,
    close: () => lines.close(),
  };
}
