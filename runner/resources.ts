import { readFileSync } from 'node:fs';
import { ResourceLog } from './stored/resources.js';
import type { RunObserver } from './events.js';

/** The time between two samples, ms. */
const interval = 10_000;

/** The unit of processor times, which Linux gives to programs as 100 a second on all architectures of Node.js. */
const ticksPerSecond = 100;

interface ProcessUse {
  /** Processor time since its start, s. */
  readonly seconds: number;
  /** Resident, in bytes. */
  readonly memory: number;
}

/** What a process has used, by Linux' /proc; null where that is not there, or the process has ended. */
function useOf(pid: number): ProcessUse | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name of the program, in parentheses, may have spaces.
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    // Pages differ in size between machines: a Raspberry Pi 5 has 16 kB.
    const resident = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { seconds: (fields[11] + fields[12]) / ticksPerSecond, memory: 1024 * Number(resident ?? 0) };
  } catch {
    return null;
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Processor time and memory of this process and its children, since the last call. */
export class ProcessMeter {
  private before = new Map<number, number>();
  private at = performance.now();

  /** @param pid of the coordinator of the run */
  constructor(private readonly pid = process.pid) {
    this.read();
  }

  read(): { readonly cpu?: number; readonly memory?: number } {
    const now = performance.now();
    const seconds = (now - this.at) / 1000;
    this.at = now;
    const uses = [this.pid, ...childrenOf(this.pid)].flatMap((pid) => {
      const use = useOf(pid);
      return use === null ? [] : [{ pid, ...use }];
    });
    if (uses.length === 0) return {};
    const used = uses.reduce((sum, use) => sum + use.seconds - (this.before.get(use.pid) ?? 0), 0);
    this.before = new Map(uses.map((use) => [use.pid, use.seconds]));
    const memory = uses.reduce((sum, use) => sum + use.memory, 0);
    return { cpu: Math.max(0, used / Math.max(seconds, 1e-3)), memory };
  }
}

/**
 * Notes the processor time, the memory and the images per second of a run every ten seconds, in a file beside the store.
 * Nothing of the run depends on it: a file that cannot be written ends the notes.
 * @returns an observer that also sees the speed of trainings, and `end`
 */
export function noteResources(
  workdir: string,
  observe: RunObserver,
  every = interval,
): { readonly observe: RunObserver; readonly end: () => void } {
  let images: Record<string, number> = {};
  const log = new ResourceLog(workdir);
  const meter = new ProcessMeter();
  const timer = setInterval(() => {
    const { cpu, memory } = meter.read();
    try {
      log.add({
        at: Date.now(),
        ...(cpu !== undefined && { cpu: Number(cpu.toFixed(3)) }),
        ...(memory !== undefined && { memory }),
        images,
      });
    } catch {
      clearInterval(timer);
    }
    images = {};
  }, every);
  timer.unref();
  return {
    observe: (event) => {
      if (event.kind === 'trial-step') images[`worker ${event.worker + 1}`] = Math.round(event.imagesPerSecond);
      observe(event);
    },
    end: () => clearInterval(timer),
  };
}
