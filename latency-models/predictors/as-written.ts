import { cellReader, type Genotype, type Network, type Space } from '../../spaces/index.js';

/**
 * The networks of a space as tables write them: cells keep their dead branches, which canonical networks do not have
 * and which frameworks without a graph compiler execute all the same.
 */
export function buildAsWritten(space: Space): (genotype: Genotype) => Network {
  const cellOf = cellReader(space.decisions);
  if (cellOf === undefined) return (genotype) => space.build(space.canonical(genotype));
  return (genotype) => {
    const network = space.build(space.canonical(genotype));
    const cell = cellOf(genotype);
    return { ...network, blocks: network.blocks.map((block) => (block.kind === 'cell' ? { ...block, cell } : block)) };
  };
}
