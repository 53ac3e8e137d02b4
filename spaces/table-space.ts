import { structureOf } from './features.js';
import type { Decision, Genotype } from './genotype.js';
import { createMembers } from './members.js';
import type { DecisionSpace } from './space.js';

const combinations = (decisions: readonly Decision[]): bigint =>
  decisions.reduce((product, { choices }) => product * BigInt(choices.length), 1n);

/**
 * A space of plain columns without networks: every combination is a point of its own. Columns that are known by their
 * names and choices tell the structure of what is executed (see `structureOf`).
 * @param rows the combinations that exist, when not all do; each once.
 */
export function tableSpace(name: string, decisions: readonly Decision[], rows?: readonly Genotype[]): DecisionSpace {
  const all = combinations(decisions);
  return {
    name,
    decisions,
    canonical: (genotype) => genotype,
    ...structureOf(decisions),
    count: () => (rows === undefined ? all : BigInt(rows.length)),
    ...(rows === undefined || BigInt(rows.length) === all ? {} : { members: createMembers(rows) }),
  };
}
