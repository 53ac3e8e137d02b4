import { cellEdges, cellFeatures, cellReader, liveEdges, type CellOp } from './cells/nasbench201.js';
import type { Decision } from './genotype.js';
import type { DecisionSpace } from './space.js';

/** What a space's decisions alone tell about the executed networks. */
export type Structure = Pick<DecisionSpace, 'features' | 'active'>;

/** The structure of spaces of plain columns that are known by their names and choices: NAS-Bench-201's cells. */
export function structureOf(decisions: readonly Decision[]): Structure {
  const read = cellReader(decisions);
  if (read === undefined) return {};
  const edgeOf = decisions.map(({ name }) => cellEdges.findIndex((edge) => edge === name));
  const executed = (cell: readonly CellOp[]): readonly boolean[] => {
    const live = liveEdges(cell);
    return edgeOf.map((edge) => live[edge]);
  };
  return {
    features: (genotype) => cellFeatures(read(genotype)),
    active: (genotype) => executed(read(genotype)),
  };
}
