import { setTimeout } from 'node:timers/promises';
import { sum } from '../../base/statistics.js';
import { counted } from '../../base/text.js';
import type { Store } from '../../store/index.js';
import type { RunObserver } from '../../runner/events.js';
import type { QueueConnection } from '../connection.js';
import {
  commandFor,
  describeMisfits,
  isServed,
  largestGroup,
  queueName,
  slotsByGroup,
  type Requirements,
} from '../queues.js';
import { listWorkers } from '../registry.js';
import type { JobClient } from '../transport/job-client.js';

/** The detail of a stored event of kind `workers-group`: the group of a run's machines. */
interface GroupDetail {
  readonly group: string;
  /** For people. */
  readonly text: string;
}

export interface GroupOptions {
  readonly connection: QueueConnection;
  /** What the run asks of workers; of any group. */
  readonly wanted: Requirements;
  readonly url: string;
  readonly store: Store;
  readonly observe: RunObserver;
  /** Whether another group than before is acceptable when no worker of that one is there. */
  readonly acceptEnvironment: boolean;
  readonly signal: AbortSignal;
}

/** Between two checks for workers, in ms. */
const checkMs = 1000;
/** Number of checks before misfits are reported. */
const checksBeforeWarning = 10;

/** The group of a run that was begun before; null: none is chosen yet. */
function storedGroup(store: Store): string | null {
  const last = store.events.of('workers-group').at(-1);
  return last === undefined ? null : (last.detail as GroupDetail).group;
}

/**
 * Chooses the group of machines for a run: the group of the earlier run if there is one, else the group with the most slots.
 * Waits for the first worker, and stores the choice with the run.
 * @throws the signal's reason when it is aborted
 */
export async function chooseGroup(options: GroupOptions): Promise<string> {
  const { connection, wanted, store, observe, url, acceptEnvironment, signal } = options;
  const before = storedGroup(store);
  if (before !== null && !acceptEnvironment) return before;
  for (let checks = 0; ; checks++) {
    signal.throwIfAborted();
    const workers = await listWorkers(connection);
    const slots = slotsByGroup(wanted, workers);
    const group = before !== null && slots.has(before) ? before : largestGroup(slots);
    if (group !== null) {
      if (group === before) return group;
      const text = workers.find((worker) => worker.group === group)?.groupText ?? group;
      store.events.add({ kind: 'workers-group', detail: { group, text } satisfies GroupDetail });
      observe({ kind: 'note', message: groupMessage(slots, group, text) });
      return group;
    }
    if (checks === 0) observe({ kind: 'note', message: `Waiting for workers; start some: ${commandFor(url, wanted)}` });
    if (checks === checksBeforeWarning && workers.length > 0)
      observe({ kind: 'warning', message: `No worker fits: ${describeMisfits(wanted, workers)}` });
    await setTimeout(checkMs, undefined, { signal });
  }
}

const slotsText = (count: number): string => counted(count, 'slot');

function groupMessage(slots: ReadonlyMap<string, number>, group: string, text: string): string {
  const own = slots.get(group) ?? 0;
  const others = sum(slots.values()) - own;
  const message = `The run works on machines of group ${group} (${text}): ${slotsText(own)} now`;
  if (others === 0) return message;
  return `${message}; ${slotsText(others)} of machines whose results differ in the last bits are left out (workers.mixed takes them)`;
}

/** Reports a large difference between the slots of the workers and the trials that the search runs at once. */
export function reportSlots(byGroup: ReadonlyMap<string, number>, parallel: number, observe: RunObserver): void {
  const slots = sum(byGroup.values());
  if (slots > 0 && slots * 2 <= parallel)
    observe({
      kind: 'note',
      message: `The workers have ${slotsText(slots)} for the ${parallel} trials that search.parallel asks for at once: more would be quicker`,
    });
  if (slots >= parallel * 2)
    observe({
      kind: 'note',
      message: `The workers have ${slots} slots, and the search uses ${parallel} of them (search.parallel)`,
    });
}

/** A job that waits for so long without a suitable worker is reported, in ms. */
const waitingPatience = 10_000;

/** @returns reports, at each call, a server that is away, and jobs that no worker takes; each change once */
export function createWatch(
  client: Pick<JobClient, 'waiting'>,
  { connection, url, observe }: Pick<GroupOptions, 'connection' | 'url' | 'observe'>,
): () => Promise<void> {
  const reported = new Map<string, string>();
  let away = 0;

  const reportUnserved = async (): Promise<void> => {
    const waiting = client.waiting(waitingPatience);
    if (waiting.length === 0) {
      reported.clear();
      return;
    }
    const workers = await listWorkers(connection);
    for (const wanted of waiting) {
      const name = queueName(wanted);
      if (isServed(wanted, workers)) {
        reported.delete(name);
        continue;
      }
      const why = workers.length === 0 ? 'there is none' : describeMisfits(wanted, workers);
      const message = `No worker takes the jobs that wait (${why}); start one: ${commandFor(url, wanted)}`;
      if (reported.get(name) !== message) observe({ kind: 'warning', message });
      reported.set(name, message);
    }
  };

  return async () => {
    if (connection.redis.status !== 'ready') {
      // A short interruption is not worth a message.
      if (++away === 2) observe({ kind: 'warning', message: `The queue server ${url} is away; the run waits for it` });
      return;
    }
    if (away >= 2) observe({ kind: 'note', message: 'The queue server is back' });
    away = 0;
    await reportUnserved();
  };
}
