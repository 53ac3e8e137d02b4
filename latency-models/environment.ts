import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, platform, release } from 'node:os';
import { env } from 'onnxruntime-node';
import type { Environment } from './device.js';
import type { DeviceConfig } from './schema.js';

/** What the machine is and how busy it is now, for a measurement that begins. */
export function describeEnvironment(device: string, config: DeviceConfig): Environment {
  return {
    device,
    cpu: cpus().at(0)?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    threads: config.threads,
    provider: config.provider,
    batch: config.batch,
    runtime: `onnxruntime-node ${env.versions.node ?? 'unknown'}, Node.js ${process.versions.node}`,
    load: loadavg()[0],
    governor: governor(),
    platform: `${platform()} ${release()} ${arch()}`,
  };
}

/** Linux tells how it sets the clock frequency; virtual machines and other systems do not. */
function governor(): string | null {
  try {
    return readFileSync('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor', 'utf8').trim();
  } catch {
    return null;
  }
}
