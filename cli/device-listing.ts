import type { Environment } from '../latency-models/index.js';

/** One thing that can be measured on, or why not. */
export interface ListedDevice {
  /** As `--device` takes it. */
  readonly device: string;
  /** Null when it works. */
  readonly reason: string | null;
  readonly detail: string;
}

export interface DeviceListing {
  readonly machine: Pick<Environment, 'cpu' | 'cores' | 'governor' | 'load' | 'runtime' | 'platform'>;
  readonly devices: readonly ListedDevice[];
}

/** Tries everything that latency can be measured on from this machine. */
export async function listDevices(): Promise<DeviceListing> {
  const { describeEnvironment, listProviders, tryProvider } = await import('../latency-models/index.js');
  const { cpu, cores, governor, load, runtime, platform } = describeEnvironment('devices', {
    provider: 'cpu',
    threads: 1,
    batch: 1,
  });
  const providers = await Promise.all(
    listProviders().map(async ({ name, bundled }): Promise<ListedDevice> => ({
      device: name === 'cpu' ? 'local' : `local:provider=${name}`,
      reason: await tryProvider(name),
      detail: bundled ? 'ONNX Runtime' : 'ONNX Runtime with libraries that you installed',
    })),
  );
  return { machine: { cpu, cores, governor, load, runtime, platform }, devices: providers };
}
