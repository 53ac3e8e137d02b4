// The process of the page. It ends when the parent process disconnects or ends, also while a read of a store blocks it.

import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, NasError } from '../base/errors.js';
import { packageRoot } from '../base/processes.js';
import { startPage } from '../reports/page/server.js';
import { endWithParent } from './end-with-parent.js';
import type { PageTask, Started } from './page-process.js';

/** The built front end; also used when sources run directly. */
const pageAssets = (): string => join(packageRoot(fileURLToPath(import.meta.url)), 'dist', 'ui', 'app');

const report = (started: Started): void => {
  if (process.connected) process.send?.(started, undefined, undefined, () => undefined);
};

/** Gives the search precedence once the page is up. */
function lowerPriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Not permitted on some systems: the priority stays.
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
      // The parent process has ended meanwhile.
      await page.close();
      return;
    }
    process.once('disconnect', () => void page.close());
    report({ address: page.address });
    if (givesWay) lowerPriority();
  } catch (error) {
    const hint = error instanceof NasError ? error.hint : undefined;
    report({ problem: messageOf(error), ...(hint === undefined ? {} : { hint }) });
    if (process.connected) process.disconnect();
  }
}

// The parent process handles Ctrl-C; the page shows the run until it has ended.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
endWithParent();
// Sent by `startPageProcess`.
process.once('message', (task) => void serve(task as PageTask));
