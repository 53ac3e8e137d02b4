import { invalidInput } from '../../../base/errors.js';
import { canonicalJson, contentHash } from '../../../base/hash.js';
import { defaultProtocol, needsQueue, type DeviceConfig } from '../../../latency-models/index.js';
import type { Network } from '../../../spaces/index.js';
import type { TrainingContext } from '../context.js';
import { placeOf } from '../latency/measuring.js';
import { counting } from './counting.js';

/** Measures networks side by side; what device it is. */
export interface Measuring {
  readonly device: DeviceConfig;
  /** Latencies in ms, in the order of the networks, with the device's own name. */
  measure(networks: readonly Network[]): Promise<{ readonly device: string; readonly ms: readonly number[] }>;
}

/**
 * Measures on a device, under names of its own.
 * @throws NasError `invalid-input` for a table, which knows the members of a space only, and for workers: this machine does
 *   what is done here.
 */
export function measuringOn({ plan, jobs, store, observe }: TrainingContext, device: DeviceConfig): Measuring {
  if (device.type === 'table')
    throw invalidInput('a table of latencies knows the networks of its space only, not one that was cut', {
      hint: 'Give --device, or a budget of --macs.',
    });
  if (device.type === 'worker') throw needsQueue(device);
  const { name, createdAt } = store.run.get();
  let rounds = 0;
  return {
    device,
    async measure(networks) {
      const id = `shrink-${contentHash(name, createdAt, store.shrunk.all().length, networks, ++rounds).slice(0, 32)}`;
      const job = {
        kind: 'measure',
        // Only a table looks at choices.
        candidates: networks.map((network) => ({ network, seed: plan.experiment.seed, choices: {} })),
        space: { config: plan.experiment.space, task: plan.task },
        device,
        protocol: defaultProtocol,
        id,
        profile: false,
      } as const;
      const measured = await jobs.submit({ id, job, sharing: placeOf(device) }, counting(observe)).result;
      return { device: measured[0].environment.device, ms: measured.map(({ ms }) => ms) };
    },
  };
}

/** Whether two devices are the same, as they are configured. */
export const sameDevice = (a: DeviceConfig, b: DeviceConfig): boolean => canonicalJson(a) === canonicalJson(b);
