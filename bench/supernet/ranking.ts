import { kendall, mean, spearman } from '../../latency-models/statistics.js';
import { bins, type Subject } from './networks.js';

/** How a figure ranks networks by their accuracy after a training of their own. */
export interface Ranking {
  readonly spearman: number;
  readonly kendall: number;
  /** Kendall's rank correlation among networks of like cost, bin by bin. */
  readonly within: readonly number[];
  /** Mean of these. */
  readonly meanWithin: number;
}

/**
 * @param of what ranks, one value a network
 * @param accuracies of the networks after trainings of their own
 */
export function rank(networks: readonly Subject[], of: readonly number[], accuracies: readonly number[]): Ranking {
  const within = bins.map((_, bin) => {
    const members = [...networks.keys()].filter((i) => networks[i].bin === bin);
    return kendall(
      members.map((i) => of[i]),
      members.map((i) => accuracies[i]),
    );
  });
  return { spearman: spearman(of, accuracies), kendall: kendall(of, accuracies), within, meanWithin: mean(within) };
}
