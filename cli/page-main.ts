/** The process that serves the page of a run beside it (`nas run --ui`), until the run's own process is gone. */
import { constants, setPriority } from 'node:os';
import { messageOf, NasError } from '../base/errors.js';
import { startPage } from '../experiments/page/index.js';
import { pageAssets } from './page-assets.js';
import type { Started } from './page-process.js';

const [folder] = process.argv.slice(2);

const say = (started: Started): void => void process.send?.(started);

/** Once the page is there, for which the run has waited, the search goes first. */
function giveWay(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Some systems do not let everybody; then it is like any other process.
  }
}

// Ctrl-C is for the run, which takes its time to end well; the page shows that.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
try {
  const page = await startPage({
    folder,
    host: '127.0.0.1',
    assets: pageAssets(),
    report: (error) => process.stderr.write(`${messageOf(error)}\n`),
  });
  process.once('disconnect', () => void page.close());
  say({ address: page.address });
  giveWay();
} catch (error) {
  const hint = error instanceof NasError ? error.hint : undefined;
  say({ problem: messageOf(error), ...(hint === undefined ? {} : { hint }) });
  process.disconnect();
}
