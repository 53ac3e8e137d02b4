import { BoundedCache } from '../../base/bounded-cache.js';
import { genotypeId, type Genotype } from '../genotype.js';
import type { Network } from '../network.js';
import type { Space } from '../space.js';
import { blockPlaces, buildNetwork, inputOf, type StagedNetwork } from './build.js';
import { canonicalGenotype, findNetwork } from './canonical.js';
import { layOut, type Layout, scaledDepth, type StagedPlan } from './layout.js';
import { countNetworks } from './size.js';
import { invalidInput } from '../../base/errors.js';

/** Networks that are cached before the cache is emptied. */
const maxCached = 200;

/**
 * Creates the space of a plan. Canonical genotypes and networks correspond one to one: two genotypes have the same
 * canonical form exactly when they build the same layers.
 * @throws NasError `invalid-input` for a plan whose maps would shrink below one pixel
 */
export function createStagedSpace(plan: StagedPlan): Space {
  const layout = layOut(plan);
  checkLayout(layout);
  let size: bigint | undefined;
  const networks = new BoundedCache<StagedNetwork>(maxCached);
  return {
    name: plan.name,
    decisions: layout.decisions,
    canonical: (genotype: Genotype) => {
      const network = buildNetwork(layout, genotype);
      const canonical = canonicalGenotype(layout, genotype, network);
      // It builds the same network, which mostly is asked for next.
      networks.of(genotypeId(canonical), () => network);
      return canonical;
    },
    build: (genotype: Genotype) => networks.of(genotypeId(genotype), () => buildNetwork(layout, genotype)),
    find: (network: Network) => findNetwork(layout, network),
    inputs: layout.scaleOptions.map(({ scale }) => inputOf(plan, scale)),
    places: (genotype: Genotype) => blockPlaces(layout, genotype),
    count: () => (size ??= countNetworks(layout)),
  };
}

/**
 * Rejects spaces whose feature maps could shrink below one pixel, and stages that can only be absent. It checks the
 * smallest resolution with every stride; all other networks have larger maps.
 * @throws NasError `invalid-input` with the key path and the value
 */
function checkLayout(layout: Layout): void {
  const { plan, scaleOptions } = layout;
  const smallest = Math.min(...scaleOptions.map(({ scale }) => scale.resolution));
  const scale = scaleOptions.find((option) => option.scale.resolution === smallest)?.scale ?? plan.base;
  const input = inputOf(plan, scale);
  const deepest = Math.max(...scaleOptions.map((option) => option.scale.depth));
  let side = Math.min(input[0], input[1]);
  const shrink = (strides: readonly number[], path: string): void => {
    if (!strides.includes(2)) return;
    if (side === 1) {
      throw invalidInput(
        `${path}: a stride of 2 has nothing left to halve: with images of ${input[0]} x ${input[1]} pixels the map is ` +
          'already one pixel high or wide',
        { hint: 'Use stride 1 here or in an earlier stage, or a larger space.resolution.' },
      );
    }
    side = Math.ceil(side / 2);
  };
  shrink(plan.stem.stride, 'space.stem.stride');
  for (const [i, stage] of plan.stages.entries()) {
    const path = `${plan.terms.path}[${i}]`;
    if (scaledDepth(Math.max(...stage.depth), { ...scale, depth: deepest }) === 0) {
      throw invalidInput(`${path}.depth: 0 is the only choice, so the ${plan.terms.stage} is never there`, {
        hint: `Add a choice above 0 or remove the ${plan.terms.stage}.`,
      });
    }
    shrink(stage.stride, `${path}.stride`);
  }
  checkDetection(plan);
}

/** @throws NasError `invalid-input` when some backbone ends before the deepest map that a detector reads */
function checkDetection({ detect, stem, stages, terms }: StagedPlan): void {
  if (detect === null) return;
  const least = stages.reduce(
    (stride, stage) => stride * (Math.min(...stage.depth) === 0 ? 1 : Math.min(...stage.stride)),
    Math.min(...stem.stride),
  );
  const [key, deepest] = (['stride', 'deepest'] as const)
    .map((own) => [own, Math.max(...detect[own])] as const)
    .reduce((a, b) => (b[1] > a[1] ? b : a));
  if (deepest <= least) return;
  throw invalidInput(
    `space.detect.${key}: there is no map of stride ${deepest} in all networks: the last map of some has a stride of ${least}`,
    { hint: `Choose at most ${least} here, or let a ${terms.stage} that is always there have stride 2.` },
  );
}
