import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** Share of the process's memory for requests; the rest is for networks, Node.js and what parsing leaves behind. */
const share = 1 / 4;
const bounds = { least: 2 ** 25, most: 2 ** 30 } as const;

/** Limit files of control groups, version 2 and 1, as a container sees its own. */
const limitFiles = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'];

function limitIn(file: string): number {
  try {
    // Without a limit it is `max`, or larger than any machine.
    return Number(readFileSync(file, 'utf8')) || Infinity;
  } catch {
    return Infinity;
  }
}

/** Default memory in bytes for requests: a quarter of the machine or of the control group, from 32 MiB to 1 GiB. */
export function memoryForRequests(): number {
  const available = Math.min(totalmem(), process.constrainedMemory() || Infinity, ...limitFiles.map(limitIn));
  return Math.min(bounds.most, Math.max(bounds.least, Math.floor(available * share)));
}
