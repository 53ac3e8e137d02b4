import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../base/processes.js';
import { constants, setPriority } from 'node:os';
import { messageOf, NasError } from '../base/errors.js';
import { startPage } from '../experiments/page/server.js';
import type { PageTask, Started } from './page-process.js';

/** The folder with what a browser loads, which `npm run build` fills; sources that run directly show it, too. */
const pageAssets = (): string => join(packageRoot(fileURLToPath(import.meta.url)), 'dist', 'ui', 'app');

/** The process that serves a page, until the process that started it is gone or lets go of it. */

/** Says it to who started it, if he is still there. */
const say = (started: Started): void => {
  if (process.connected) process.send?.(started, undefined, undefined, () => undefined);
};

/** Once the page is there, for which the run has waited, the search goes first. */
function giveWay(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Some systems do not let everybody; then it is like any other process.
  }
}

async function serve({ page: options, givesWay }: PageTask): Promise<void> {
  try {
    const page = await startPage({
      ...options,
      assets: pageAssets(),
      report: (error) => process.stderr.write(`${messageOf(error)}\n`),
    });
    if (!process.connected) {
      // Who started it has gone meanwhile.
      await page.close();
      return;
    }
    process.once('disconnect', () => void page.close());
    say({ address: page.address });
    if (givesWay) giveWay();
  } catch (error) {
    const hint = error instanceof NasError ? error.hint : undefined;
    say({ problem: messageOf(error), ...(hint === undefined ? {} : { hint }) });
    if (process.connected) process.disconnect();
  }
}

// Ctrl-C is for who started it, which takes its time to end well; the page shows that.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
// Sent by `startPageProcess`.
process.once('message', (task) => void serve(task as PageTask));
