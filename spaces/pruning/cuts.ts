import { type ChannelGroup, channelGroups, shrinkNetwork, type Widths } from './groups.js';
import { costs } from '../costs.js';
import type { Network } from '../network.js';

/** How much each channel of each group matters, by the groups' names; of groups that are not named, nothing is cut. */
export type Importance = ReadonlyMap<string, readonly number[]>;

/** The channels that stay, by the groups' names: increasing indices. */
export type KeptChannels = ReadonlyMap<string, readonly number[]>;

/** The indices of a group's channels, the most important first; the first of equals. */
export const ranked = (importance: readonly number[]): number[] =>
  [...importance.keys()].sort((a, b) => importance[b] - importance[a] || a - b);

/** The most important channels of each group that has fewer now. */
export function keptChannels(groups: readonly ChannelGroup[], importance: Importance, widths: Widths): KeptChannels {
  return new Map(
    groups.flatMap(({ name, width }) => {
      const own = importance.get(name);
      const kept = widths.get(name) ?? width;
      if (own === undefined || kept === width) return [];
      return [
        [
          name,
          ranked(own)
            .slice(0, kept)
            .sort((a, b) => a - b),
        ],
      ];
    }),
  );
}

/** A network on the way to a smaller one. */
export interface Cut {
  readonly network: Network;
  readonly widths: Widths;
  /** What is to be saved: MACs, milliseconds. */
  readonly cost: number;
}

export interface CutOptions {
  /** New widths are multiples of this; 1 or more. */
  readonly multiple: number;
  /** What is to be saved; MACs by default. */
  readonly cost?: (network: Network) => number;
}

/** Savings count as at least this share of the cost: a predictor may say that a narrower network is no faster. */
const leastSaving = 1e-6;

const sumOf = (values: readonly number[], indices: readonly number[]): number =>
  indices.reduce((sum, i) => sum + values[i], 0);

/**
 * Cuts a network, again and again, where the next block of channels has the least importance for what it saves; each
 * result is a smaller network, the last has no width left that can be cut. No group is cut below one multiple.
 *
 * What is lost counts as a share of what the group has left: importance is known of single channels of the whole
 * network, and those that do the same in hundreds seem to matter little, each by itself, down to the last. Groups also
 * differ in scale (Molchanov et al. 2017 normalise by layer).
 *
 * Each cut leaves the others less to save, so that their prices only rise: only that of the group which seems cheapest
 * is computed anew (lazy evaluation, Minoux 1978).
 *
 * @param importance of each channel; groups without it stay as they are
 */
export function* cutsOf(
  network: Network,
  importance: Importance,
  { multiple, cost = (cut) => costs(cut).macs }: CutOptions,
): Generator<Cut> {
  const groups = channelGroups(network);
  let current: Cut = { network, widths: new Map(), cost: cost(network) };
  let open = groups.flatMap(({ name, width }) => {
    const own = importance.get(name);
    return own === undefined ? [] : [{ name, first: width, own, order: ranked(own), price: 0 }];
  });
  type Group = (typeof open)[number];

  /** The group with fewer channels: the next multiple that a description can tell; null when there is none. */
  const narrower = ({ name, first, own, order }: Group): (Cut & { readonly price: number }) | null => {
    const now = current.widths.get(name) ?? first;
    for (let width = multiple * (Math.ceil(now / multiple) - 1); width >= multiple; width -= multiple) {
      const widths = new Map(current.widths).set(name, width);
      const cut = shrinkNetwork(network, widths, groups);
      if (cut === null) continue;
      const lost = sumOf(own, order.slice(width, now)) / sumOf(own, order.slice(0, now));
      const after = cost(cut);
      const saved = Math.max(current.cost - after, leastSaving * current.cost);
      return { network: cut, widths, cost: after, price: Number.isNaN(lost) ? 0 : lost / saved };
    }
    return null;
  };

  while (open.length > 0) {
    const cheapest = open.reduce((a, b) => (b.price < a.price ? b : a));
    const others = open.filter((group) => group !== cheapest);
    const cut = narrower(cheapest);
    if (cut === null) {
      open = others;
      continue;
    }
    cheapest.price = cut.price;
    if (others.every(({ price }) => cut.price <= price)) yield (current = cut);
  }
}
