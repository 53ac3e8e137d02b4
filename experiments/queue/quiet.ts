import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { NasError } from '../../base/errors.js';
import type { QueueConnection } from './connection.js';
import { Claim } from './quiet-claim.js';
import { orAborted } from './or-aborted.js';
import { listWorkers } from './workers-list.js';

export { watchQuiet, type QuietWatch, type QuietWorker } from './quiet-watch.js';

/**
 * Machines that stand still for a measurement. Who measures claims the machine; its workers see the claim, stand still, and
 * say for which claim they do (`WorkerRecord.quiet`); then the measurement begins. A claim that is not renewed lapses.
 */

export interface QuietOptions {
  readonly signal?: AbortSignal | undefined;
  /** The id of the worker that measures, if one does: it is not waited for, as it sees to its own slots. */
  readonly worker?: string | undefined;
  /** How long a claim lasts that is not renewed, in ms; default 15 s. */
  readonly ttlMs?: number | undefined;
  /** Between two looks, in ms; default 200. */
  readonly everyMs?: number | undefined;
}

/** So often a measurement is begun again during which the claim lapsed. */
const attempts = 3;

/**
 * Does something while all workers of a machine stand still; one such task at a time for each machine, whichever process
 * and run it is of. Workers that died are waited for until their entries lapse. When the claim lapsed meanwhile, as the
 * server was away for longer than it lasts, the task is done again: others may have disturbed it.
 * @throws NasError `failure` when the claim lapses again and again; the signal's reason when it is aborted before the task
 *   begins; what the task throws
 */
export async function onQuietMachine<T>(
  connection: QueueConnection,
  machine: string,
  task: () => Promise<T>,
  { signal, worker = '', ttlMs = 15_000, everyMs = 200 }: QuietOptions = {},
): Promise<T> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const claim = new Claim(connection, machine, `${worker}/${randomUUID()}`, ttlMs, 5 * everyMs);
    const moving = async (): Promise<boolean> =>
      (await listWorkers(connection)).some(
        (other) => other.machine === machine && other.id !== worker && other.quiet !== claim.id,
      );
    const untilQuiet = async (): Promise<void> => {
      while (!(await claim.take())) await setTimeout(everyMs, undefined, { signal });
      while (await moving()) await setTimeout(everyMs, undefined, { signal });
    };
    try {
      await orAborted(untilQuiet(), signal);
      const result = await task();
      if (!claim.lapsed) return result;
    } finally {
      await claim.release();
    }
  }
  throw new NasError('failure', `the queue server was away while it was measured, ${attempts} times in a row`, {
    hint: 'Start it again when the server can be reached.',
  });
}
