import {
  channelGroups,
  costs,
  cutsOf,
  keptChannels,
  type Cut,
  type Importance,
  type Network,
} from '../../../spaces/index.js';
import { cutWeights, type Model } from '../../../spaces/models/index.js';
import { invalidInput, NasError } from '../../../base/errors.js';
import type { LatencyModel } from '../../../latency-models/index.js';
import { count, ms as milliseconds } from '../../report/text.js';
import { cutToLatency } from './budget.js';
import type { Measuring } from './measure.js';
import type { SettledRequest } from './request.js';

/** A network before any cut, with what decides where to cut: how much of it there is, by prediction and as measured. */
export interface Uncut {
  readonly network: Network;
  /** What is saved for: MACs, or predicted milliseconds. */
  readonly cost: (network: Network) => number;
  /** As the device has it; null when the budget is one of MACs. */
  readonly ms: number | null;
}

const macsOf = (network: Network): number => costs(network).macs;

/**
 * Looks at a network that is to be cut.
 * @throws NasError `invalid-input` when it is within the budget already
 */
export async function uncut(
  network: Network,
  { trial, target: { objective, value } }: SettledRequest,
  predictor: LatencyModel | null,
  measuring: Measuring | null,
): Promise<Uncut> {
  const ms = objective === 'macs' || measuring === null ? null : await latencyOf(measuring, network);
  const has = ms ?? macsOf(network);
  if (has <= value)
    throw invalidInput(`trial ${trial} has ${amount(objective, has)} already, which is within the budget`, {
      hint: 'Ask for less.',
    });
  const predicted = ms === null || predictor === null ? null : predictor;
  return { network, cost: predicted === null ? macsOf : (cut) => predicted.predict(cut).ms, ms };
}

const latencyOf = async (measuring: Measuring, network: Network): Promise<number> =>
  (await measuring.measure([network])).ms[0];

/** `2 M MACs`, `0.05 ms`. */
const amount = (objective: SettledRequest['target']['objective'], value: number): string =>
  objective === 'macs' ? `${count(value)} MACs` : milliseconds(value);

/**
 * The largest network on the way to ever smaller ones that meets the request: in MACs exactly, in latency as it is
 * measured.
 * @throws NasError `infeasible` when even the smallest is over the budget; `invalid-input` when no channel can be cut
 */
export async function cutOf(
  { network, cost, ms }: Uncut,
  { trial, target, multiple }: SettledRequest,
  importance: Importance,
  measuring: Measuring | null,
): Promise<Cut> {
  const { objective, value } = target;
  const cuts = [...cutsOf(network, importance, { multiple, cost })];
  if (cuts.length === 0)
    throw invalidInput(`no channel of trial ${trial} can be cut in multiples of ${multiple}`, {
      hint: 'Widths of cells and of grouped convolutions stay as they are; others may do with a smaller --multiple.',
    });
  const unreachable = (smallest: number): NasError =>
    new NasError(
      'infeasible',
      `no cut meets ${amount(objective, value)}: the smallest network that is left comes to ${amount(objective, smallest)}`,
      { hint: 'Ask for more, choose a smaller --multiple, or shrink another trial.' },
    );
  if (ms === null || measuring === null) {
    const found = cuts.find((cut) => cut.cost <= value);
    if (found === undefined) throw unreachable(cuts[cuts.length - 1].cost);
    return found;
  }
  const found = await cutToLatency(cuts, { cost: cost(network), ms }, value, (cut) =>
    latencyOf(measuring, cut.network),
  );
  if ('smallest' in found) throw unreachable(found.smallest);
  return found.cut;
}

/** The weights that stay of a network that was cut. */
export const weightsLeft = ({ network, weights }: Model, importance: Importance, { widths }: Cut): Model['weights'] => {
  const groups = channelGroups(network);
  return cutWeights(weights, groups, keptChannels(groups, importance, widths));
};
