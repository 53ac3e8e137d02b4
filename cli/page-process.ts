import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { invalidInput, NasError } from '../base/errors.js';
import { builtModule } from '../base/processes.js';
import { makeToken } from '../base/server.js';
import { shellWord } from '../base/text.js';
import type { PageOptions } from '../reports/page/server.js';
import type { Terminal } from './output/terminal.js';

export interface PageTask {
  readonly page: Pick<PageOptions, 'folder' | 'host' | 'port' | 'token' | 'changeToken' | 'imageToken' | 'names'>;
  /** Whether a search runs beside it, which has precedence. */
  readonly givesWay: boolean;
}

const startedSchema = z.union([
  z.object({ address: z.string() }),
  z.object({ problem: z.string(), hint: z.string().optional() }),
]);
export type Started = z.infer<typeof startedSchema>;

/** @throws NasError `invalid-input` when the page cannot be served. */
async function addressOf(child: ChildProcess): Promise<string> {
  const ended = once(child, 'exit').then(() => [{ problem: 'the process of the page has ended' }]);
  const [message] = (await Promise.race([once(child, 'message'), ended])) as unknown[];
  const started = startedSchema.parse(message);
  if ('address' in started) return started.address;
  throw invalidInput(started.problem, started.hint === undefined ? {} : { hint: started.hint });
}

/** A page in a child process, which ends with this process. */
interface PageProcess {
  readonly address: string;
  readonly isServing: () => boolean;
  /** Rejects when the process ends before `close`. */
  readonly lost: Promise<never>;
  readonly close: () => Promise<void>;
}

/**
 * Starts the process of a page. A process of its own can be started with a small heap: at 50,000 trials it needs half of
 * the memory and 10 % more time.
 * @throws NasError `invalid-input` when the page cannot be served.
 */
export async function startPageProcess(task: PageTask): Promise<PageProcess> {
  const child = fork(fileURLToPath(builtModule('cli/page-main.js')), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Replaces the options of this process, such as a debugger's port.
    execArgv: ['--optimize-for-size', '--max-semi-space-size=2'],
  });
  child.send(task);
  const address = await addressOf(child);
  const exit = once(child, 'exit');
  const lost = exit.then(([code, signal]: unknown[]) => {
    throw new NasError('failure', `the process of the page has ended (${String(signal ?? code)})`);
  });
  lost.catch(() => undefined);
  return {
    address,
    isServing: () => child.connected,
    lost,
    close: async () => {
      if (!child.connected) return;
      child.disconnect();
      await exit;
    },
  };
}

/**
 * Runs a task while the page of a run is served.
 * @param workdir of the run, which may not exist yet; undefined: without a page
 * @throws NasError `invalid-input` when the page cannot be served, before the task starts.
 */
export async function withPage(
  workdir: string | undefined,
  { err }: Terminal,
  task: () => Promise<void>,
): Promise<void> {
  if (workdir === undefined) return task();
  const token = makeToken();
  const tokens = { changeToken: token, imageToken: token };
  const page = await startPageProcess({ page: { folder: workdir, host: '127.0.0.1', ...tokens }, givesWay: true });
  try {
    err(`${page.address}/?token=${token} shows this run\n`);
    await task();
  } finally {
    const ended = page.isServing() ? 'has ended with the run' : 'ended before the run did: its process was lost';
    await page.close();
    err(`The page ${ended}; nas ui ${shellWord(workdir)} opens it again\n`);
  }
}
