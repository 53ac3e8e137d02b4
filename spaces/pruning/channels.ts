import type { ChannelGroup } from './groups.js';
import type { Widths } from './widths.js';

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
