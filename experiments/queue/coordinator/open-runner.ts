import { join } from 'node:path';
import { cacheDirectory } from '../../../base/files.js';
import type { Store } from '../../../store/index.js';
import type { RunObserver } from '../../runner/events.js';
import { connectQueue, queueAddress } from '../connection.js';
import { queueName, type Lane } from '../lanes.js';
import type { QueueConfig } from '../schema.js';
import { Signals } from '../signals.js';
import { listWorkers } from '../workers-list.js';
import { settleGroup } from './group.js';
import { hostArtifacts } from './hosting.js';
import { Journal } from './journal.js';
import { LaneClient, type LaneOptions } from './lane-client.js';
import { holdLease, lostLease, runId } from './lease.js';
import { LocalJobs } from './local-jobs.js';
import { Orders } from './orders.js';
import { QueueRunner } from './queue-runner.js';
import { laneOf } from './require-queue.js';
import { Seats } from './seats.js';
import { watchJobs } from './watch.js';
import { whoDoes } from './who-does.js';
import { slotsByGroup } from './workers-for.js';

/** What is to be ended, the last one first. */
class Ends {
  private readonly ends: (() => unknown)[] = [];

  add(end: () => unknown): void {
    this.ends.unshift(end);
  }

  async all(): Promise<void> {
    for (const end of this.ends.splice(0)) await end();
  }
}

export interface RunToOpen {
  readonly name: string;
  readonly workdir: string;
  readonly store: Store;
  /** Trials at once, as the search asks for them. */
  readonly parallel: number;
  /** How often a job may be begun again whose worker died. */
  readonly retries: number;
  /** Whether another group of machines than before will do. */
  readonly acceptEnvironment: boolean;
  readonly observe: RunObserver;
  readonly stopping: () => boolean;
}

/**
 * Takes a run to the queue: what it returns has the run's jobs done by workers, until it is closed.
 * @throws NasError as `connectQueue`; `in-use` when another process coordinates the run; `invalid-input` when its files
 *   cannot be hosted
 */
export async function openRunner(config: QueueConfig, opened: RunToOpen): Promise<QueueRunner> {
  const { name, workdir, store, parallel, retries, acceptEnvironment, observe, stopping } = opened;
  const ends = new Ends();
  try {
    const { signal } = watchStopping(stopping, ends);
    const connection = await connectQueue(queueAddress(config));
    ends.add(() => connection.close());
    for (const message of connection.warnings) observe({ kind: 'warning', message });

    const run = runId(store);
    const hosting = await hostArtifacts(config.artifacts, { connection, workdir, run });
    ends.add(() => hosting.close(store.run.status().status === 'complete'));
    const { artifacts } = hosting;
    const lane = laneOf(config);
    const lease = await holdLease(connection, { run, name, lane, artifacts: hosting.address, observe, signal });
    ends.add(() => lease.release());

    const signals = new Signals(connection);
    const onTrouble = tellOnce((message) => observe({ kind: 'note', message: `The queue server: ${message}` }));
    const lanes = new Map<string, LaneClient>();
    ends.add(() => Promise.all([...lanes.values()].map((client) => client.close())));
    const settle = async (): Promise<string | null> => {
      const options = { connection, lane, url: config.url, store, observe, acceptEnvironment, signal };
      const group = config.mixed ? null : await settleGroup(options);
      await lease.update({ group });
      tellSlots(slotsByGroup({ ...lane, group }, await listWorkers(connection)), parallel, observe);
      return group;
    };
    let settled: Promise<string | null> | undefined;
    const journal = new Journal(join(cacheDirectory(), 'queue-jobs'));
    const runner = new QueueRunner({
      coordination: {
        attempts: retries + 1,
        artifacts,
        orders: new Orders(run, artifacts, journal),
        journal,
        signals,
        seats: new Seats(),
        isOnline: () => connection.redis.status === 'ready',
        whoDoes: whoDoes(connection, run),
        onTrouble,
        clock: () => performance.now(),
      },
      local: new LocalJobs(connection, retries),
      lane,
      group: () => (settled ??= settle()),
      clientOf: (wanted) => laneClient(lanes, wanted, (one) => new LaneClient(connection, one, { signals, onTrouble })),
      release: () => ends.all(),
    });
    lease.lost.addEventListener('abort', () => runner.fail(lostLease(lease.lost)), { once: true });
    ends.add(watchJobs({ connection, runner, lanes, url: config.url, observe }));
    return runner;
  } catch (error) {
    await ends.all();
    throw error;
  }
}

/** Aborted when the user stops the run. */
function watchStopping(stopping: () => boolean, ends: Ends): AbortController {
  const stopped = new AbortController();
  const timer = setInterval(() => {
    if (stopping()) stopped.abort();
  }, 300);
  ends.add(() => {
    clearInterval(timer);
    stopped.abort();
  });
  return stopped;
}

function laneClient(lanes: Map<string, LaneClient>, lane: Lane, create: (lane: Lane) => LaneClient): LaneClient {
  const name = queueName(lane);
  const client = lanes.get(name) ?? create(lane);
  lanes.set(name, client);
  return client;
}

/** Tells what is the same over and over once. */
function tellOnce(tell: LaneOptions['onTrouble']): LaneOptions['onTrouble'] {
  let last = '';
  return (message) => {
    if (message !== last) tell(message);
    last = message;
  };
}

/** Tells when workers and what the search asks of them differ much. */
function tellSlots(byGroup: ReadonlyMap<string, number>, parallel: number, observe: RunObserver): void {
  const slots = [...byGroup.values()].reduce((sum, count) => sum + count, 0);
  if (slots > 0 && slots * 2 <= parallel)
    observe({
      kind: 'note',
      message: `The workers have ${slots} slot${slots === 1 ? '' : 's'} for the ${parallel} trials that search.parallel asks for at once: more would be quicker`,
    });
  if (slots >= parallel * 2)
    observe({
      kind: 'note',
      message: `The workers have ${slots} slots, and the search uses ${parallel} of them (search.parallel)`,
    });
}
