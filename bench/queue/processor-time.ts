import { existsSync, readFileSync } from 'node:fs';

/** Whether the system says how much processor time others have had: Linux does. */
const isMeasured = existsSync('/proc/self/stat');

/** Linux counts processor time in ticks of so many seconds. */
const tick = 0.01;

/** Processor time that a process has had, all its threads and none of its children, in seconds. */
function ownSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // What follows the name, which may hold anything: `utime` and `stime` are the 12th and 13th of it.
  const [user, system] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return tick * (Number(user) + Number(system));
}

const childrenOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);

/** The same with all processes below it. */
const treeSeconds = (pid: number): number =>
  childrenOf(pid).reduce((sum, child) => sum + treeSeconds(child), ownSeconds(pid));

/** Processor seconds by part of the queue. */
export type PartSeconds = Readonly<Record<string, number>>;

/** Who takes processor time, by process id. */
export interface Parts {
  readonly server: number;
  readonly workers: readonly number[];
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** What each part of a queue has had so far, this process being the coordinator; nothing where the system does not say. */
export function secondsOf({ server, workers }: Parts): PartSeconds {
  if (!isMeasured) return {};
  return {
    coordinator: ownSeconds(process.pid),
    server: ownSeconds(server),
    workers: sum(workers.map(ownSeconds)),
    // A coordinator without workers has its jobs done below it.
    jobs: sum(
      [process.pid, ...workers]
        .flatMap(childrenOf)
        .filter((pid) => pid !== server && !workers.includes(pid))
        .map(treeSeconds),
    ),
  };
}

/** What each part had between two moments for each of so many jobs. */
export const spentOnEach = (jobs: number, before: PartSeconds, after: PartSeconds): PartSeconds =>
  Object.fromEntries(Object.entries(after).map(([part, seconds]) => [part, (seconds - before[part]) / jobs]));
