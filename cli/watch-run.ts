import type { DrawReport } from '../experiments/runner/report.js';
import { exitCodes, NasError } from '../base/errors.js';
import { collectReport } from '../experiments/report/index.js';
import type { RunObserver } from '../experiments/runner/events.js';
import type { RunOutcome } from '../experiments/runner/index.js';
import { withRun } from './open-run.js';
import { frontierTable } from './output/trials.js';
import { json, type Terminal } from './output/terminal.js';
import { createProgressView } from './progress/run-progress.js';

/** Draws the files that every run ends with; what draws is loaded when the run is over. */
export const drawReport: DrawReport = async (data) => {
  const { reportFiles } = await import('../ui/index.js');
  return reportFiles(data);
};

/** Ctrl-C once: the run checkpoints and stops. Twice: the process ends now. */
function interruptible(): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return { signal: controller.signal, release: () => process.off('SIGINT', onSignal).off('SIGTERM', onSignal) };
}

/** Something that tells what it does, and stops when it is told to. */
type Watched<T> = (observe: RunObserver, signal: AbortSignal) => Promise<T>;

/** Shows what something does on `err` while it goes. */
export async function watch<T>(start: Watched<T>, terminal: Terminal): Promise<T> {
  const view = createProgressView(terminal);
  const { signal, release } = interruptible();
  try {
    return await start(view.observe, signal);
  } finally {
    view.close();
    release();
  }
}

/**
 * Watches a run, and prints its frontier to `out` when it is over.
 * @throws NasError `interrupted` when it was stopped; whatever it throws itself.
 */
export async function watchRun(start: Watched<RunOutcome>, terminal: Terminal, asJson: boolean): Promise<void> {
  const { workdir, state } = await watch(start, terminal);
  if (state === 'interrupted') {
    const hint = `Nothing is lost: nas resume ${workdir} goes on from here.`;
    throw new NasError('interrupted', 'the run was interrupted', { hint });
  }
  await withRun(workdir, async (store) => {
    if (asJson) terminal.out(json(await collectReport(store)));
    else terminal.out(frontierTable(store, terminal.colors));
  });
}
