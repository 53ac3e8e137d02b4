import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { NasError } from '../../base/errors.js';
import { cacheDirectory } from '../../base/files.js';
import { contentHash } from '../../base/hash.js';
import { nasVersion } from '../../base/modules.js';
import { sum } from '../../base/statistics.js';
import type { Store } from '../../store/index.js';
import type { RunObserver } from '../../runner/events.js';
import { runsModules, type CreateJobRunner } from '../../runner/job-runners.js';
import { LocalPool } from '../../runner/jobs/local-pool.js';
import { connectQueue, queueAddress, type QueueConnection } from '../connection.js';
import { holdRun, type RunLease } from '../lease.js';
import { withMachineLock } from '../machine-lock.js';
import { buildId, machineId } from '../machine.js';
import { slotsByGroup, type Requirements } from '../queues.js';
import { every, listWorkers, runId, type RunRecord } from '../registry.js';
import type { QueueConfig } from '../../experiments/schema/workers.js';
import { JobClient } from '../transport/job-client.js';
import { hostArtifacts, requireHosting } from './hosting.js';
import { Journal, Orders } from './orders.js';
import { SlotNumbers } from './remote-job.js';
import { RemoteRunner } from './remote-runner.js';
import { chooseGroup, createWatch, reportSlots } from './workers-for-run.js';

/** What a run asks of workers of any group. @param modules whether its jobs run code of the user's */
export const requirementsOf = ({ tag }: Pick<QueueConfig, 'tag'>, modules: boolean): Requirements => ({
  build: buildId(),
  group: null,
  tag: tag ?? null,
  modules,
});

/**
 * Checks that a run with a queue can begin, before it writes anything.
 * @param modules whether its jobs run code of the user's
 * @returns the slots of the workers that would do its jobs now
 * @throws NasError when the server is unsuitable or cannot be reached, or when files cannot be served as configured
 */
export async function requireQueue(config: QueueConfig, modules: boolean): Promise<number> {
  const connection = await connectQueue(queueAddress(config));
  try {
    await requireHosting(config.artifacts, connection);
    const slots = [...slotsByGroup(requirementsOf(config, modules), await listWorkers(connection)).values()];
    return config.mixed ? sum(slots) : Math.max(0, ...slots);
  } finally {
    await connection.close();
  }
}

export interface RunToOpen {
  readonly name: string;
  readonly workdir: string;
  readonly store: Store;
  /** Whether its jobs run code of the user's. */
  readonly modules: boolean;
  /** Trials at once, as the search asks for them. */
  readonly parallel: number;
  /** How often a job is tried again after its worker died. */
  readonly retries: number;
  /** Whether another group of machines than before is acceptable. */
  readonly acceptEnvironment: boolean;
  readonly observe: RunObserver;
  readonly stopping: () => boolean;
}

/** The workers of a queue, for the jobs of a run. */
export const queueWorkers =
  (config: QueueConfig): CreateJobRunner =>
  ({ size, retries }, { plan, store, observe, stopping }) =>
    openRunner(config, {
      name: plan.experiment.name,
      workdir: plan.workdir,
      store,
      modules: runsModules(plan.experiment),
      parallel: size,
      retries,
      acceptEnvironment: plan.acceptEnvironment,
      observe,
      stopping,
    });

/** Between two calls of the watch, in ms. */
const watchMs = 5000;

/**
 * Connects a run to its queue, as its only coordinator.
 * @throws NasError as `connectQueue`; `in-use` when another process coordinates the run; `invalid-input` when its files
 *   cannot be served
 */
export async function openRunner(config: QueueConfig, opened: RunToOpen): Promise<RemoteRunner> {
  const { name, workdir, store, modules, parallel, retries, acceptEnvironment, observe, stopping } = opened;
  /** Releases what was opened, the last one first. */
  const closers: (() => unknown)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const { signal: stopped } = abortWhen(stopping, closers);
    const connection = await connectQueue(queueAddress(config));
    closers.push(() => connection.close());
    for (const message of connection.warnings) observe({ kind: 'warning', message });

    const run = runId(store);
    const hosting = await hostArtifacts(config.artifacts, connection, workdir);
    const { artifacts, address } = hosting;
    closers.push(() => hosting.close(store.run.status().status === 'complete'));
    const wanted = requirementsOf(config, modules);
    const coordinator = { id: workdirId(workdir), host: hostname(), pid: process.pid };
    const record = { run, name, coordinator, artifacts: address, version: nasVersion(), ...wanted };
    const lease = await takeLease(connection, record, observe, stopped);
    closers.push(() => lease.release());

    const onTrouble = onceInARow((message) => observe({ kind: 'note', message: `The queue server: ${message}` }));
    const client = new JobClient(connection, onTrouble);
    closers.push(() => client.close());
    const agreeOnGroup = async (): Promise<string | null> => {
      const options = { connection, wanted, url: config.url, store, observe, acceptEnvironment, signal: stopped };
      const chosen = config.mixed ? null : await chooseGroup(options);
      await lease.update({ group: chosen });
      reportSlots(slotsByGroup({ ...wanted, group: chosen }, await listWorkers(connection)), parallel, observe);
      return chosen;
    };
    let group: Promise<string | null> | undefined;
    const journal = new Journal(join(cacheDirectory(), 'queue-jobs'));
    const runner = new RemoteRunner({
      context: {
        attempts: retries + 1,
        artifacts,
        orders: new Orders(run, artifacts, journal),
        journal,
        client,
        numbers: new SlotNumbers(),
        isOnline: () => connection.redis.status === 'ready',
        onTrouble,
        onStandstill: once((message) => observe({ kind: 'warning', message: `Jobs stand still: ${message}` })),
      },
      local: new LocalPool({ size: 1, retries, exclusively: (job, signal) => withMachineLock(job, { signal }) }),
      wanted,
      group: () => (group ??= agreeOnGroup()),
      release: closeAll,
    });
    lease.lost.addEventListener('abort', () => runner.disown(lostLease(lease.lost)), { once: true });
    const watching = every(watchMs, createWatch(client, { connection, url: config.url, observe }));
    const ticking = setInterval(() => runner.tick(), watchMs);
    closers.push(() => {
      watching.stop();
      clearInterval(ticking);
    });
    return runner;
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Aborted when the user stops the run. */
function abortWhen(stopping: () => boolean, closers: (() => unknown)[]): AbortController {
  const controller = new AbortController();
  const timer = setInterval(() => {
    if (stopping()) controller.abort();
  }, 300);
  closers.push(() => {
    clearInterval(timer);
    controller.abort();
  });
  return controller;
}

/** Names a workdir, also after a kill. A copy of it has another name. */
function workdirId(workdir: string): string {
  const { dev, ino } = statSync(workdir, { bigint: true });
  return contentHash(machineId(), String(dev), String(ino)).slice(0, 16);
}

/** @throws NasError `in-use` when another process coordinates the run; `interrupted` when the signal is aborted */
async function takeLease(
  connection: QueueConnection,
  record: RunRecord,
  observe: RunObserver,
  signal: AbortSignal,
): Promise<RunLease> {
  const onWait = (holder: string): void => {
    const message = `${holder} coordinates this run, or did until it was cut off; waiting for its lease to lapse`;
    observe({ kind: 'note', message });
  };
  try {
    return await holdRun(connection, record, { onWait, signal });
  } catch (error) {
    if (signal.aborted) throw new NasError('interrupted', 'the run was stopped before it began');
    throw error;
  }
}

const lostLease = ({ reason }: AbortSignal): NasError =>
  reason instanceof NasError ? reason : new NasError('in-use', 'another process coordinates this run now');

/** Drops messages that were reported before. */
function once(report: (message: string) => void): (message: string) => void {
  const reported = new Set<string>();
  return (message) => {
    if (!reported.has(message)) report(message);
    reported.add(message);
  };
}

/** Drops a message that is the same as the one before. */
function onceInARow(report: (message: string) => void): (message: string) => void {
  let last = '';
  return (message) => {
    if (message !== last) report(message);
    last = message;
  };
}
