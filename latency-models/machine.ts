import { readdirSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, platform, release } from 'node:os';
import { performance } from 'node:perf_hooks';
import { env } from 'onnxruntime-node';
import type { Environment } from './device.js';

/** The part of a device's configuration that is stored with every latency. */
export interface RunSettings {
  readonly provider: string;
  readonly threads: number;
  readonly batch: number;
  /** The graphics adapter; absent without one, or if unknown. */
  readonly adapter?: string | undefined;
}

/** The machine and its load, at the start of a measurement. */
export function describeEnvironment(device: string, { provider, threads, batch, adapter }: RunSettings): Environment {
  return {
    device,
    cpu: cpus().at(0)?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    threads,
    provider,
    ...(adapter !== undefined && { adapter }),
    batch,
    runtime: `onnxruntime-node ${env.versions.node ?? 'unknown'}, Node.js ${process.versions.node}`,
    load: loadavg()[0],
    governor: governor(),
    platform: `${platform()} ${release()} ${arch()}`,
    affinity: affinity(),
  };
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

/** Linux reports its frequency governor; virtual machines and other systems do not. */
export const governor = (): string | null => read('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor');

/** The processors that this process may use, as Linux lists them: `0-3,8`. */
const affinity = (): string | null => /^Cpus_allowed_list:\s*(\S+)/m.exec(read('/proc/self/status') ?? '')?.[1] ?? null;

/** The load of a machine during a measurement. */
export interface MachineLoad {
  /** Mean number of processors that other programs kept busy. */
  readonly others: number;
  /** Mean number of processors that the host of a virtual machine took away. */
  readonly stolen: number;
  readonly cores: number;
}

interface Reading {
  readonly at: number;
  readonly busy: number;
  readonly stolen: number;
  readonly own: number;
}

/** Linux counts processor time in ticks of this many ms. */
const tickMs = 10;

/** Time in ms that the host took away, over all processors; 0 if unknown. */
function stolenMs(): number {
  try {
    const [all] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
    return Number(all.trim().split(/\s+/)[8] ?? 0) * tickMs;
  } catch {
    return 0;
  }
}

const busyMs = (): number =>
  cpus().reduce((sum, { times: { user, nice, sys, irq } }) => sum + user + nice + sys + irq, 0);

/**
 * Measures the load by the machine's counters of processor time.
 * @param own processor time in ms that the measurement has used so far.
 * @returns a function for the load since this call.
 */
export function watchLoad(own: () => number): () => MachineLoad {
  const reading = (): Reading => ({ at: performance.now(), busy: busyMs(), stolen: stolenMs(), own: own() });
  const begin = reading();
  return () => {
    const end = reading();
    const elapsed = Math.max(end.at - begin.at, tickMs);
    const others = end.busy - begin.busy - (end.own - begin.own);
    return {
      others: Math.max(0, others / elapsed),
      stolen: Math.max(0, (end.stolen - begin.stolen) / elapsed),
      cores: Math.max(1, cpus().length),
    };
  };
}

/** Processor time of this process in ms: all threads, user and system. */
export function ownProcessorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Parent and processor time (user and system, in ms) of a process on Linux; undefined when it has ended. */
function statOf(pid: string): { readonly parent: string; readonly ms: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may contain any character.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: fields[1], ms: (Number(fields[11]) + Number(fields[12])) * tickMs };
  } catch {
    return undefined;
  }
}

/**
 * Processor time in ms of a process and its descendants (a browser's processes); on other systems than Linux of this
 * process alone.
 * @param root id of the process; by default this one.
 */
export function familyProcessorTime(root: number = process.pid): number {
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return ownProcessorTime();
  }
  const stats = new Map(pids.map((pid) => [pid, statOf(pid)]));
  const isFamily = (pid: string | undefined): boolean => {
    for (let at = pid; at !== undefined; at = stats.get(at)?.parent) if (at === String(root)) return true;
    return false;
  };
  return [...stats].reduce((sum, [pid, stat]) => sum + (stat !== undefined && isFamily(pid) ? stat.ms : 0), 0);
}
