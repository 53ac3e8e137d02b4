import { Random } from '../../base/random.js';
import {
  costs,
  extremes,
  genotypeId,
  sampleGenotype,
  type Genotype,
  type Network,
  type Space,
} from '../../spaces/index.js';
import { mean } from '../../base/statistics.js';
import { kendall, spearman } from '../../latency-models/statistics.js';

/** A network of the comparison. */
export interface Subject {
  readonly genotype: Genotype;
  readonly network: Network;
  readonly macs: number;
  /** Index of its bin; null for the smallest and largest network of the space. */
  readonly bin: number | null;
}

/** Centres of the cost bins in millions of multiply-accumulates. A bin spans 10 % on both sides. */
const bins = [0.65, 1.25, 2.2];

/**
 * The smallest and largest network of the space and random networks of each bin, by ascending cost.
 * @param perBin networks of each bin; more networks contain those of fewer
 */
export function subjects(space: Space, perBin: number): readonly Subject[] {
  const ends = extremes(space);
  const subject = (genotype: Genotype, bin: number | null): Subject => {
    const network = space.build(genotype);
    return { genotype, network, macs: costs(network).macs, bin };
  };
  const chosen = new Map<string, Subject>();
  for (const [bin, middle] of bins.entries()) {
    const random = new Random(1, 'subjects', bin);
    for (let found = 0; found < perBin;) {
      const drawn = subject(sampleGenotype(space, random), bin);
      const id = genotypeId(drawn.genotype);
      if (Math.abs(drawn.macs / 1e6 / middle - 1) > 0.1 || chosen.has(id)) continue;
      chosen.set(id, drawn);
      found++;
    }
  }
  return [subject(ends.smallest.genotype, null), ...chosen.values(), subject(ends.largest.genotype, null)].sort(
    (a, b) => a.macs - b.macs,
  );
}

/** Rank correlation between a figure and accuracy after stand-alone training. */
export interface Ranking {
  readonly spearman: number;
  readonly kendall: number;
  /** Kendall's rank correlation within each cost bin. */
  readonly within: readonly number[];
  /** Mean of `within`. */
  readonly meanWithin: number;
}

/**
 * @param of figure that ranks the networks, one value per network
 * @param accuracies after stand-alone training
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
