import type { Tree } from './tree.js';

/** A tree's mean and variance over the whole space, and what of the variance each decision explains alone. */
export interface Decomposition {
  readonly mean: number;
  readonly variance: number;
  /** By decision: the variance of its marginal, the mean of the tree over all choices of the other decisions. */
  readonly alone: readonly number[];
}

/** Decomposes the variance of a tree exactly, all choices of a decision being equally likely. */
export function decompose({ leaves }: Tree, sizes: readonly number[]): Decomposition {
  const marginals = sizes.map((size) => new Float64Array(size));
  let [mean, square] = [0, 0];
  for (const { value, part } of leaves) {
    const extents = part.map((choices) => choices.reduce((sum, inside) => sum + inside, 0));
    const share = extents.reduce((product, extent, i) => (product * extent) / sizes[i], 1);
    mean += share * value;
    square += share * value ** 2;
    for (const [decision, choices] of part.entries()) {
      // Where the decision is fixed, the leaf's share of what is left is larger.
      const weighed = (value * share * sizes[decision]) / extents[decision];
      const marginal = marginals[decision];
      for (let choice = 0; choice < choices.length; choice++) if (choices[choice] === 1) marginal[choice] += weighed;
    }
  }
  const alone = marginals.map((marginal) => marginal.reduce((sum, a) => sum + (a - mean) ** 2, 0) / marginal.length);
  return { mean, variance: Math.max(0, square - mean ** 2), alone };
}
