import { NasError } from '../base/errors.js';
import { collectReport } from '../reports/index.js';
import type { RunObserver } from '../runner/events.js';
import type { RunOutcome } from '../runner/index.js';
import { withRun } from './open-run.js';
import { json, type Terminal } from './output/terminal.js';
import { frontierTable } from './output/trials.js';
import { createProgressView } from './progress/run-progress.js';
import { onStop } from './signals.js';

/** A task that reports events and stops at an abort. */
type ObservedTask<T> = (observe: RunObserver, signal: AbortSignal) => Promise<T>;

/** Shows the progress of a task on `err`. The first Ctrl-C aborts its signal, so that a run checkpoints. */
export async function watch<T>(start: ObservedTask<T>, terminal: Terminal): Promise<T> {
  const view = createProgressView(terminal);
  const controller = new AbortController();
  const release = onStop(() => controller.abort());
  try {
    return await start(view.observe, controller.signal);
  } finally {
    view.close();
    release();
  }
}

/**
 * Shows the progress of a run, and prints its frontier to `out` at the end.
 * @throws NasError `interrupted` after Ctrl-C; errors of the run.
 */
export async function watchRun(start: ObservedTask<RunOutcome>, terminal: Terminal, asJson: boolean): Promise<void> {
  const { workdir, state } = await watch(start, terminal);
  if (state === 'interrupted') {
    const hint = `Nothing is lost: nas resume ${workdir} continues the run.`;
    throw new NasError('interrupted', 'the run was interrupted', { hint });
  }
  await withRun(workdir, async (store) => {
    if (asJson) terminal.out(json(await collectReport(store)));
    else terminal.out(frontierTable(store, workdir, terminal.colors));
  });
}
