import type { QueueConnection } from '../connection.js';
import { listWorkers } from '../workers-list.js';
import type { WorkerRecord } from '../registry.js';
import type { Identity } from '../wire.js';

/** For so long, in ms, what workers tell of themselves is good enough. */
const fresh = 1000;

/** Who does a job of a run, as workers tell of themselves. */
export function whoDoes(connection: QueueConnection, run: string): (id: string) => Promise<Identity | null> {
  let at = -Infinity;
  let workers: Promise<readonly WorkerRecord[]> = Promise.resolve([]);
  return async (id) => {
    if (performance.now() - at > fresh) {
      at = performance.now();
      workers = listWorkers(connection);
    }
    for (const { id: worker, host, group, jobs } of await workers) {
      const job = jobs.find((one) => one.run === run && one.id === id);
      if (job !== undefined) return { id: worker, host, group, slot: job.slot };
    }
    return null;
  };
}
