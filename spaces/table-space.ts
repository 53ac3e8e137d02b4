import type { Decision } from './genotype.js';
import type { DecisionSpace } from './space.js';

/**
 * A space of plain columns without networks: every combination is a point of its own. For controllers that are tested
 * on tables of results.
 */
export const tableSpace = (name: string, decisions: readonly Decision[]): DecisionSpace => ({
  name,
  decisions,
  canonical: (genotype) => genotype,
  count: () => decisions.reduce((product, { choices }) => product * BigInt(choices.length), 1n),
});
