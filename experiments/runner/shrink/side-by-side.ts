import { costs, type Network } from '../../../spaces/index.js';
import type { ShrunkLatencies, Store } from '../../../store/index.js';
import { trialsByAccuracy } from '../../report/finals.js';
import type { Measuring } from './measure.js';

/** So many members of the space are measured beside a network that was cut. */
const mostMembers = 4;

/** Trials whose latency may turn out to be at most that of a cut, although their MACs are so many times as many. */
const margin = 1.25;

/**
 * Measures a network that was cut beside the one that it came from, and beside the most accurate members of the space
 * that may be as fast: latencies compare within one measurement only.
 */
export async function latenciesOf(
  store: Store,
  measuring: Measuring,
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
  const { device, ms } = await measuring.measure(networks);
  const [own, whole, ...others] = ms;
  return {
    device,
    on: measuring.device,
    own,
    parent: whole,
    trials: Object.fromEntries(members.map((member, i) => [member.trial, others[i]])),
  };
}
