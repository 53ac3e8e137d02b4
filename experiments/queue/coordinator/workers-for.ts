import { whyNot } from '../fitting.js';
import type { Lane } from '../lanes.js';
import type { WorkerRecord } from '../registry.js';

/** Why a worker takes no jobs of a lane now, each as the end of a sentence about it; empty: it does. */
const reasonsOf = (lane: Lane, worker: WorkerRecord): readonly string[] => [
  ...whyNot(lane, worker),
  ...(worker.unable === null ? [] : [worker.unable]),
];

/** Whether one of the workers takes jobs of a lane now. */
export const isServed = (lane: Lane, workers: readonly WorkerRecord[]): boolean =>
  workers.some((worker) => reasonsOf(lane, worker).length === 0);

/** Slots of the workers that fit, by group. */
export function slotsByGroup(lane: Lane, workers: readonly WorkerRecord[]): ReadonlyMap<string, number> {
  const slots = new Map<string, number>();
  for (const worker of workers)
    if (whyNot(lane, worker).length === 0) slots.set(worker.group, (slots.get(worker.group) ?? 0) + worker.slots);
  return slots;
}

/** The group with the most slots; of equal ones the first by name. Null: no worker fits. */
export function largestGroup(slots: ReadonlyMap<string, number>): string | null {
  const sorted = [...slots].sort(([a, some], [b, others]) => others - some || (a < b ? -1 : 1));
  return sorted.at(0)?.[0] ?? null;
}

/** What to type on a machine for a worker that serves a lane. */
export const commandFor = (url: string, { tag, modules }: Pick<Lane, 'tag' | 'modules'>): string =>
  [
    `nas worker --queue ${url}`,
    ...(tag === null ? [] : [`--tag ${tag}`]),
    ...(modules ? ['--allow-modules'] : []),
  ].join(' ');

/** So many reasons are told at once. */
const mostTold = 4;

/** Why none of the workers that there are serves a lane: `pi5 has no tag gpu; …`. */
export function describeMisfits(lane: Lane, workers: readonly WorkerRecord[]): string {
  const hosts = new Map<string, Set<string>>();
  for (const worker of workers) {
    const reasons = reasonsOf(lane, worker);
    if (reasons.length === 0) continue;
    const reason = reasons.join(' and ');
    hosts.set(reason, (hosts.get(reason) ?? new Set()).add(worker.host));
  }
  const told = [...hosts].slice(0, mostTold).map(([reason, names]) => `${[...names].join(', ')} ${reason}`);
  return [...told, ...(hosts.size > mostTold ? ['…'] : [])].join('; ');
}
