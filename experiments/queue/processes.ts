import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { contentHash } from '../../base/hash.js';
import { machineId } from './machine.js';

/** What tells a process from all others, for those who can look. */
export interface ProcessMark {
  readonly host: string;
  readonly pid: number;
  /** Names those who see the same processes: those of one machine, or of one container. */
  readonly place: string;
  /** When the system says that it began, in the system's own terms; null: it does not say. */
  readonly started: string | null;
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** Field 22 of Linux's `stat`, in ticks since the machine started; the name before it may hold anything. */
function startOf(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

const place = (): string => contentHash(machineId(), hostname(), linkOf('/proc/self/ns/pid')).slice(0, 12);

/** This process. */
export const thisProcess = (): ProcessMark => ({
  host: hostname(),
  pid: process.pid,
  place: place(),
  started: startOf(process.pid),
});

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process, which may not be asked.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Whether a process is known to have ended: it was one of those that this process can see, and there is none of its number
 * any more, or one that began at another time.
 */
export function hasEnded(mark: ProcessMark): boolean {
  if (mark.place !== place()) return false;
  if (!exists(mark.pid)) return true;
  return mark.started !== null && startOf(mark.pid) !== mark.started;
}
