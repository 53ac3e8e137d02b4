import type { QueueConnection } from './connection.js';
import { whyNot } from './fitting.js';
import type { RunRecord, WorkerRecord } from './registry.js';
import { listRuns } from './runs-list.js';
import { listWorkers } from './workers-list.js';

/** A run whose coordinator is at work, and who can do its jobs; without what lets one at its files. */
export interface RunOverview extends Omit<RunRecord, 'artifacts'> {
  /** Slots of the workers that fit. */
  readonly slots: number;
  /** The workers that do not, each with all its reasons (`whyNot`). */
  readonly unfit: readonly { readonly id: string; readonly host: string; readonly why: readonly string[] }[];
}

export interface QueueOverview {
  readonly workers: readonly WorkerRecord[];
  readonly runs: readonly RunOverview[];
}

function overviewOfRun(record: RunRecord, workers: readonly WorkerRecord[]): RunOverview {
  const { run, name, coordinator, build, version, group, tag, modules } = record;
  const judged = workers.map((worker) => ({ worker, why: whyNot(record, worker) }));
  return {
    ...{ run, name, coordinator, build, version, group, tag, modules },
    slots: judged.reduce((sum, { worker, why }) => sum + (why.length === 0 ? worker.slots : 0), 0),
    unfit: judged.flatMap(({ worker: { id, host }, why }) => (why.length === 0 ? [] : [{ id, host, why }])),
  };
}

/** Who works for a queue, what for, and who waits. */
export async function queueOverview(connection: QueueConnection): Promise<QueueOverview> {
  const [workers, runs] = await Promise.all([listWorkers(connection), listRuns(connection)]);
  return { workers, runs: runs.map((run) => overviewOfRun(run, workers)) };
}
