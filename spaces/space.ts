import type { Decision, Genotype } from './genotype.js';
import type { Network } from './network.js';

/** What the data decides about every network of a space. */
export interface Task {
  /** Height, width and channels of the images, before a space's own resolution decision. */
  readonly input: readonly [height: number, width: number, channels: number];
  readonly classes: number;
}

/** What a controller may know of a search space: the decisions, and which genotypes mean the same. */
export interface DecisionSpace {
  readonly name: string;
  readonly decisions: readonly Decision[];
  /**
   * The lexicographically smallest genotype that means the same: decisions that other choices make irrelevant become
   * index 0, and where several genotypes build the same network the first stands for all. Equal networks thus have
   * equal ids; idempotent.
   */
  readonly canonical: (genotype: Genotype) => Genotype;
  /** The exact number of canonical genotypes, when it can be told without listing them; see `spaceSize`. */
  readonly count?: () => bigint;
}

/** A search space: an ordered list of decisions and the network that each genotype means. */
export interface Space extends DecisionSpace {
  /** The network of a genotype; canonical genotypes with different ids give different networks. */
  readonly build: (genotype: Genotype) => Network;
}
