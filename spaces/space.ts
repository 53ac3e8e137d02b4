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
  /** Sets decisions that other choices make irrelevant to index 0, so that equal networks have equal ids. */
  canonical(genotype: Genotype): Genotype;
}

/** A search space: an ordered list of decisions and the network that each genotype means. */
export interface Space extends DecisionSpace {
  /** The network of a genotype; canonical genotypes with different ids give different networks. */
  build(genotype: Genotype): Network;
}
