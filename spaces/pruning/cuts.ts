import { type ChannelGroup, channelGroups, shrinkNetwork, type Widths } from './groups.js';
import { costs } from '../costs.js';
import type { Network } from '../network.js';
import { sum } from '../../base/statistics.js';

/** The importance of each channel by group name. Groups without an entry are not cut. */
export type Importance = ReadonlyMap<string, readonly number[]>;

/** Increasing indices of the channels that remain, by group name. */
export type KeptChannels = ReadonlyMap<string, readonly number[]>;

/** Channel indices by falling importance; equal ones by index. */
export const ranked = (importance: readonly number[]): number[] =>
  [...importance.keys()].sort((a, b) => importance[b] - importance[a] || a - b);

/** The most important channels of each group that becomes narrower. */
export function keptChannels(groups: readonly ChannelGroup[], importance: Importance, widths: Widths): KeptChannels {
  const kept = new Map<string, readonly number[]>();
  for (const { name, width } of groups) {
    const own = importance.get(name);
    const left = widths.get(name) ?? width;
    if (own === undefined || left === width) continue;
    const channels = ranked(own).slice(0, left);
    kept.set(
      name,
      channels.sort((a, b) => a - b),
    );
  }
  return kept;
}

/** A narrower version of a network. */
export interface Cut {
  readonly network: Network;
  readonly widths: Widths;
  /** In MACs. */
  readonly cost: number;
}

/**
 * Cuts the block of channels with the least importance per saved cost, again and again. Each result is a smaller network;
 * the last has no width left to cut. Every group keeps at least one multiple.
 *
 * The loss of importance counts relative to what the group has left. Importance is measured for single channels of the
 * whole network, so redundant channels each look unimportant, down to the last one. Groups also differ in scale (Molchanov
 * et al. 2017 normalise by layer).
 *
 * Prices only rise, because each cut leaves the other groups less to save. So only the price of the group that looks
 * cheapest is recomputed (lazy evaluation, Minoux 1978).
 *
 * @param importance groups without an entry are not cut
 * @param multiple new widths are multiples of this; 1 or more
 */
export function* cutsOf(network: Network, importance: Importance, multiple: number): Generator<Cut> {
  const groups = channelGroups(network);
  let current: Cut = { network, widths: new Map(), cost: costs(network).macs };
  let open = groups.flatMap(({ name, width }) => {
    const own = importance.get(name);
    return own === undefined ? [] : [{ name, first: width, own, order: ranked(own), price: 0 }];
  });
  type Group = (typeof open)[number];

  /** The group with the next smaller possible width; null when there is none. */
  const narrower = ({ name, first, own, order }: Group): (Cut & { readonly price: number }) | null => {
    const now = current.widths.get(name) ?? first;
    const sumOf = (channels: readonly number[]): number => sum(channels.map((channel) => own[channel]));
    for (let width = multiple * (Math.ceil(now / multiple) - 1); width >= multiple; width -= multiple) {
      const widths = new Map(current.widths).set(name, width);
      const cut = shrinkNetwork(network, widths, groups);
      if (cut === null) continue;
      const lost = sumOf(order.slice(width, now)) / sumOf(order.slice(0, now));
      const cost = costs(cut).macs;
      return { network: cut, widths, cost, price: Number.isNaN(lost) ? 0 : lost / (current.cost - cost) };
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
