import { exitCodes, NasError } from '../base/errors.js';
import { collectReport } from '../experiments/report/index.js';
import type { RunObserver } from '../experiments/runner/events.js';
import type { RunOutcome } from '../experiments/runner/index.js';
import { withRun } from './open-run.js';
import { frontierTable } from './output/frontier.js';
import { json } from './output/table.js';
import type { Terminal } from './output/terminal.js';
import { createProgressView } from './progress/index.js';

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

/**
 * Runs something that tells what it does, shows it on `err` while it goes, and prints the frontier to `out`.
 * @throws NasError `interrupted` when it was stopped; whatever it throws itself.
 */
export async function watchRun(
  start: (observe: RunObserver, signal: AbortSignal) => Promise<RunOutcome>,
  terminal: Terminal,
  asJson: boolean,
): Promise<void> {
  const view = createProgressView(terminal);
  const { signal, release } = interruptible();
  let outcome: RunOutcome;
  try {
    outcome = await start(view.observe, signal);
  } finally {
    view.close();
    release();
  }
  const { workdir, state } = outcome;
  if (state === 'interrupted') {
    const hint = `Nothing is lost: nas resume ${workdir} goes on from here.`;
    throw new NasError('interrupted', 'the run was interrupted', { hint });
  }
  await withRun(workdir, async (store) => {
    if (asJson) terminal.out(json(await collectReport(store)));
    else terminal.out(frontierTable(store, terminal.colors));
  });
}
