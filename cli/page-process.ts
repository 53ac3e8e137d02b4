import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { builtModule } from '../base/built-module.js';
import { invalidInput } from '../base/errors.js';
import type { Terminal } from './output/terminal.js';

/** What the process of the page says once: where it is, or why it is not. */
export const startedSchema = z.union([
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

/**
 * Does something while the page of a run is served: by a process of its own, which leaves the processor to the search, and
 * ends with this one however that ends.
 * @param workdir of the run, which need not exist yet; undefined: without a page.
 * @throws NasError `invalid-input` when the page cannot be served, before anything is done.
 */
export async function withPage(
  workdir: string | undefined,
  { err }: Terminal,
  task: () => Promise<void>,
): Promise<void> {
  if (workdir === undefined) return task();
  const child = fork(fileURLToPath(builtModule('./page-main.js', import.meta.url)), [workdir], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // Not those of this process (a debugger's port, a loader); the search needs the memory more than the page the time.
    execArgv: ['--optimize-for-size', '--max-semi-space-size=2'],
  });
  try {
    err(`${await addressOf(child)} shows this run while it goes\n`);
    // It keeps this process from ending no longer than the task does.
    child.unref();
    await task();
  } finally {
    if (child.connected) child.disconnect();
    err(`The page has ended with the run; nas ui ${workdir} opens it again\n`);
  }
}
