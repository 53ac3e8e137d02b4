import { randomUUID } from 'node:crypto';
import { NasError } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import type { Store } from '../../../store/index.js';
import type { RunObserver } from '../../runner/events.js';
import { nasVersion } from '../../../base/modules.js';
import type { QueueConnection } from '../connection.js';
import type { Lane } from '../lanes.js';
import { thisProcess } from '../processes.js';
import type { ArtifactsAddress, RunRecord } from '../registry.js';
import { holdRun, type RunLease } from '../runs-list.js';

/** Names a run on the queue server: the same when it goes on after a kill, wherever its workdir is then. */
export function runId(store: Store): string {
  const { name, seed, createdAt } = store.run.get();
  return contentHash(name, seed, createdAt).slice(0, 16);
}

export interface RunToHold {
  readonly run: string;
  readonly name: string;
  readonly lane: Lane;
  readonly artifacts: ArtifactsAddress;
  readonly observe: RunObserver;
  readonly signal: AbortSignal;
}

/**
 * Takes the right to coordinate a run, so that workers find its files and nobody else coordinates it.
 * @throws NasError `in-use` when another process does; `interrupted` when the signal is aborted meanwhile
 */
export async function holdLease(
  connection: QueueConnection,
  { run, name, lane, artifacts, observe, signal }: RunToHold,
): Promise<RunLease> {
  const { build, group, tag, modules } = lane;
  const coordinator = { id: randomUUID(), ...thisProcess() };
  const record: RunRecord = { run, name, coordinator, artifacts, build, version: nasVersion(), group, tag, modules };
  const onWait = ({ coordinator: { host, pid } }: RunRecord): void => {
    const message = `Process ${pid} on ${host} coordinates this run, or did until it was cut off; waiting whether it goes on`;
    observe({ kind: 'note', message });
  };
  try {
    return await holdRun(connection, record, { onWait, signal });
  } catch (error) {
    if (signal.aborted) throw new NasError('interrupted', 'the run was stopped before it began');
    throw error;
  }
}

/** Why a run cannot go on whose lease is lost. */
export const lostLease = ({ reason }: AbortSignal): NasError =>
  reason instanceof NasError ? reason : new NasError('in-use', 'another process coordinates this run now');
