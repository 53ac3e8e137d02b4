import { invalidInput } from '../../base/errors.js';
import { canonicalJson, contentHash } from '../../base/hash.js';
import { defaultProtocol, needsQueue, type DeviceConfig } from '../../latency-models/index.js';
import { costs, type Network } from '../../spaces/index.js';
import type { ShrunkLatencies, Store } from '../../store/index.js';
import { trialsByAccuracy } from '../stored/candidates.js';
import type { RunObserver } from '../events.js';
import type { JobListener } from '../jobs/job-runner.js';
import { sharingOf } from '../latency/measurer.js';
import type { TrainingContext } from '../plan.js';

/** Reports the progress of a job that counts. */
export const counting = (observe: RunObserver): JobListener => ({
  event: (event) => {
    if (event.kind !== 'count') return;
    observe({ kind: 'progress', phase: 'shrink', done: event.done, total: event.total, unit: event.what });
  },
});

export interface DeviceMeasurer {
  readonly device: DeviceConfig;
  /** Latencies in ms, in the order of the networks, with the device's own name. */
  measure(networks: readonly Network[]): Promise<{ readonly device: string; readonly ms: readonly number[] }>;
}

/**
 * @throws NasError `invalid-input` for a table, which has the members of a space only, and for workers: this machine
 *   shrinks.
 */
export function measurerOn({ plan, jobs, store, observe }: TrainingContext, device: DeviceConfig): DeviceMeasurer {
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
        // Only a table needs choices.
        candidates: networks.map((network) => ({ network, seed: plan.experiment.seed, choices: {} })),
        space: { config: plan.experiment.space, task: plan.task },
        device,
        protocol: defaultProtocol,
        id,
        profile: false,
      } as const;
      const measured = await jobs.submit({ id, job, sharing: sharingOf(device) }, counting(observe)).result;
      return { device: measured[0].environment.device, ms: measured.map(({ ms }) => ms) };
    },
  };
}

export const sameDevice = (a: DeviceConfig, b: DeviceConfig): boolean => canonicalJson(a) === canonicalJson(b);

/** The most members of the space that are measured beside a network that was cut. */
const mostMembers = 4;

/** A trial with up to this many times the MACs may still be as fast as the network that was cut. */
const margin = 1.25;

/**
 * Measures a network that was cut beside its parent, and beside the most accurate members of the space that may be as fast:
 * latencies compare within one measurement only.
 */
export async function latenciesOf(
  store: Store,
  measurer: DeviceMeasurer,
  trial: number,
  parent: Network,
  cut: Network,
): Promise<ShrunkLatencies> {
  const limit = margin * costs(cut).macs;
  const members = trialsByAccuracy(store)
    // Stored by the runner when the trial was asked.
    .map(({ genotypeId, ...member }) => ({ ...member, network: store.networks.get(genotypeId) as Network }))
    .filter((member) => member.trial !== trial && costs(member.network).macs <= limit)
    .slice(0, mostMembers);
  const networks = [cut, parent, ...members.map(({ network }) => network)];
  const { device, ms } = await measurer.measure(networks);
  const [own, whole, ...others] = ms;
  return {
    device,
    on: measurer.device,
    own,
    parent: whole,
    trials: Object.fromEntries(members.map((member, i) => [member.trial, others[i]])),
  };
}
