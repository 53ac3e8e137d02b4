import { setTimeout } from 'node:timers/promises';
import type { Store } from '../../../store/index.js';
import type { RunObserver } from '../../runner/events.js';
import type { QueueConnection } from '../connection.js';
import type { Lane } from '../lanes.js';
import { listWorkers } from '../workers-list.js';
import { commandFor, describeMisfits, largestGroup, slotsByGroup } from './workers-for.js';

/** What an event of the kind `workers-group` says: the group that a run's results come from. */
interface Detail {
  readonly group: string;
  /** For people. */
  readonly text: string;
}

export interface GroupOptions {
  readonly connection: QueueConnection;
  /** What the run asks of workers; any group. */
  readonly lane: Lane;
  readonly url: string;
  readonly store: Store;
  readonly observe: RunObserver;
  /** Whether another group than before will do, where no worker is of that. */
  readonly acceptEnvironment: boolean;
  readonly signal: AbortSignal;
}

/** Between two looks for workers, in ms. */
const interval = 1000;
/** Looks after which it is told why workers do not fit that are there. */
const patientLooks = 10;

/** The group of a run that was begun; null: none is settled. */
function storedGroup(store: Store): string | null {
  const last = store.events.of('workers-group').at(-1);
  // Written below.
  return last === undefined ? null : (last.detail as Detail).group;
}

/**
 * The group of machines that a run's results come from: that of before, or the one with the most slots now; it is waited
 * for the first worker, and then kept with the run.
 * @throws the signal's reason when it is aborted meanwhile
 */
export async function settleGroup(options: GroupOptions): Promise<string> {
  const { connection, lane, store, observe, url, acceptEnvironment, signal } = options;
  const before = storedGroup(store);
  if (before !== null && !acceptEnvironment) return before;
  for (let looks = 0; ; looks++) {
    signal.throwIfAborted();
    const workers = await listWorkers(connection);
    const slots = slotsByGroup(lane, workers);
    const group = before !== null && slots.has(before) ? before : largestGroup(slots);
    if (group !== null) {
      if (group === before) return group;
      const text = workers.find((worker) => worker.group === group)?.groupText ?? group;
      store.events.add({ kind: 'workers-group', detail: { group, text } satisfies Detail });
      observe({ kind: 'note', message: groupMessage(slots, group, text) });
      return group;
    }
    if (looks === 0) observe({ kind: 'note', message: `Waiting for workers; start some: ${commandFor(url, lane)}` });
    if (looks === patientLooks && workers.length > 0)
      observe({ kind: 'warning', message: `No worker fits: ${describeMisfits(lane, workers)}` });
    await setTimeout(interval, undefined, { signal });
  }
}

/** Which machines work, and which others could not be taken with them. */
function groupMessage(slots: ReadonlyMap<string, number>, group: string, text: string): string {
  const own = slots.get(group) ?? 0;
  const others = [...slots.values()].reduce((sum, count) => sum + count, 0) - own;
  const slotsText = (count: number) => `${count} slot${count === 1 ? '' : 's'}`;
  const told = `The run works on machines of group ${group} (${text}): ${slotsText(own)} now`;
  if (others === 0) return told;
  return `${told}; ${slotsText(others)} of machines whose results differ in the last bits are left out (workers.mixed takes them)`;
}
