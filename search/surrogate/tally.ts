import type { Decision, Genotype } from '../../spaces/index.js';

/** Decisions that have the same choices are counted together when they are so many at least. */
const fewest = 3;

/**
 * How often each choice is taken, over decisions that offer the same choices (the operations of a cell's edges, the
 * kernels of a network's layers): what a choice does there is likely to be alike.
 */
export function tallyOf(decisions: readonly Decision[]): (genotype: Genotype) => number[] {
  const groups = new Map<string, number[]>();
  for (const [i, { choices }] of decisions.entries()) {
    const key = JSON.stringify(choices);
    groups.set(key, [...(groups.get(key) ?? []), i]);
  }
  const alike = [...groups.values()].filter(
    (group) => group.length >= fewest && decisions[group[0]].choices.length > 1,
  );
  return (genotype) =>
    alike.flatMap((group) => {
      const counts = decisions[group[0]].choices.map(() => 0);
      for (const decision of group) counts[genotype[decision]]++;
      return counts;
    });
}
