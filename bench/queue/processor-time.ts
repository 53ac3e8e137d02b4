import { sum } from '../../base/statistics.js';
import { existsSync, readFileSync } from 'node:fs';

/** Whether the system reports the CPU time of other processes (Linux). */
const isMeasured = existsSync('/proc/self/stat');

/** Linux's CPU time tick in seconds. */
const tick = 0.01;

/** CPU seconds of a process, all threads, without children. */
function ownSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // Fields after the name, which may contain any character: `utime` and `stime` are the 12th and 13th.
  const [user, system] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return tick * (Number(user) + Number(system));
}

const childrenOf = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);

/** CPU seconds of a process and all its descendants. */
const treeSeconds = (pid: number): number =>
  childrenOf(pid).reduce((total, child) => total + treeSeconds(child), ownSeconds(pid));

/** Part of the queue → CPU seconds. */
export type PartSeconds = Readonly<Record<string, number>>;

/** Process ids of the parts. */
export interface Parts {
  readonly server: number;
  readonly workers: readonly number[];
}

/** CPU seconds of each part so far; this process is the coordinator. Empty if the system does not report them. */
export function secondsOf({ server, workers }: Parts): PartSeconds {
  if (!isMeasured) return {};
  return {
    coordinator: ownSeconds(process.pid),
    server: ownSeconds(server),
    workers: sum(workers.map(ownSeconds)),
    // With a local pool, the coordinator's children run the jobs.
    jobs: sum(
      [process.pid, ...workers]
        .flatMap(childrenOf)
        .filter((pid) => pid !== server && !workers.includes(pid))
        .map(treeSeconds),
    ),
  };
}

/** CPU seconds of each part per job between two readings. */
export const spentOnEach = (jobs: number, before: PartSeconds, after: PartSeconds): PartSeconds =>
  Object.fromEntries(Object.entries(after).map(([part, seconds]) => [part, (seconds - before[part]) / jobs]));
