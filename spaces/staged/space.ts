import type { Genotype } from '../genotype.js';
import type { Space } from '../space.js';
import { blockPlaces, buildNetwork } from './build.js';
import { canonicalGenotype } from './canonical.js';
import { checkLayout } from './check.js';
import { layOut } from './layout.js';
import type { StagedPlan } from './plan.js';
import { countNetworks } from './size.js';

/**
 * The space of a plan. Its canonical genotypes and its networks correspond one to one: two genotypes have the same
 * canonical form exactly when they build the same layers.
 *
 * @throws NasError `invalid-input` for a plan whose maps would shrink below one pixel.
 */
export function createStagedSpace(plan: StagedPlan): Space {
  const layout = layOut(plan);
  checkLayout(layout);
  let size: bigint | undefined;
  return {
    name: plan.name,
    decisions: layout.decisions,
    canonical: (genotype: Genotype) => canonicalGenotype(layout, genotype),
    build: (genotype: Genotype) => buildNetwork(layout, genotype),
    places: (genotype: Genotype) => blockPlaces(layout, genotype),
    count: () => (size ??= countNetworks(layout)),
  };
}
