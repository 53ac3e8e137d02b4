import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, platform, release } from 'node:os';
import { env } from 'onnxruntime-node';
import type { Environment } from './device.js';

/** What of a device's configuration every number is kept with. */
export interface RunSettings {
  readonly provider: string;
  readonly threads: number;
  readonly batch: number;
  /** The graphics adapter; absent where there is none, or the system does not tell. */
  readonly adapter?: string | undefined;
}

/** What the machine is and how busy it is now, for a measurement that begins. */
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

/** Linux tells how it sets the clock frequency; virtual machines and other systems do not. */
export const governor = (): string | null => read('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor');

/** The processors that this process may use, as Linux lists them: `0-3,8`. */
const affinity = (): string | null => /^Cpus_allowed_list:\s*(\S+)/m.exec(read('/proc/self/status') ?? '')?.[1] ?? null;
