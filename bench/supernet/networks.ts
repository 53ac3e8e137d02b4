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
import { kendall, mean, spearman } from '../../latency-models/statistics.js';

/** A network whose accuracies are compared. */
export interface Subject {
  readonly genotype: Genotype;
  readonly network: Network;
  readonly macs: number;
  /** Index of its bin; null for the ends of the space. */
  readonly bin: number | null;
}

/** Middles of the bins, in millions of multiply-accumulates: networks within a tenth of one are of like cost. */
const bins = [0.65, 1.25, 2.2];
const perBin = 5;

/** The ends of the space and, for each bin, the first random networks that fall into it; by cost, smallest first. */
export function subjects(space: Space): readonly Subject[] {
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
