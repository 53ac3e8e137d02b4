import type { RunObserver } from '../../runner/events.js';
import type { QueueConnection } from '../connection.js';
import { queueName } from '../lanes.js';
import { listWorkers } from '../workers-list.js';
import type { LaneClient } from './lane-client.js';
import type { QueueRunner } from './queue-runner.js';
import { commandFor, describeMisfits, isServed } from './workers-for.js';

export interface WatchOptions {
  readonly connection: QueueConnection;
  readonly runner: QueueRunner;
  readonly lanes: ReadonlyMap<string, LaneClient>;
  readonly url: string;
  readonly observe: RunObserver;
}

/** Between two looks, in ms. */
const interval = 5000;
/** Ms without news of a job before it is told why no worker takes it. */
const patience = 10_000;

/**
 * Looks every few seconds where all jobs are, as what happens may be missed: events only make it quick. Tells when the
 * server is away, and when no worker takes what waits.
 * @returns what ends it
 */
export function watchJobs({ connection, runner, lanes, url, observe }: WatchOptions): () => void {
  const told = new Map<string, string>();
  let away = 0;
  let looking = false;

  const tellUnserved = async (): Promise<void> => {
    const silent = runner.silentLanes(patience);
    if (silent.length === 0) {
      told.clear();
      return;
    }
    const workers = await listWorkers(connection);
    for (const lane of silent) {
      const name = queueName(lane);
      if (isServed(lane, workers)) told.delete(name);
      else {
        const why = workers.length === 0 ? 'there is none' : describeMisfits(lane, workers);
        const message = `No worker takes the jobs that wait (${why}); start one: ${commandFor(url, lane)}`;
        if (told.get(name) !== message) observe({ kind: 'warning', message });
        told.set(name, message);
      }
    }
  };

  const look = async (): Promise<void> => {
    runner.tick();
    if (connection.redis.status !== 'ready') {
      // A moment is nothing to speak of.
      if (++away === 2) observe({ kind: 'warning', message: `The queue server ${url} is away; the run waits for it` });
      return;
    }
    if (away >= 2) observe({ kind: 'note', message: 'The queue server is back' });
    away = 0;
    await Promise.all([...lanes.values()].map((lane) => lane.reconcile()));
    await tellUnserved();
  };

  const timer = setInterval(() => {
    // What hangs on a server that is away goes on when that is back; cancelled jobs are given up meanwhile.
    if (looking) {
      runner.tick();
      return;
    }
    looking = true;
    look()
      .catch(() => undefined)
      .finally(() => (looking = false));
  }, interval);
  return () => clearInterval(timer);
}
