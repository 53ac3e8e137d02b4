import type { Random } from '../../base/random.js';
import { costs, sampleGenotype, type Extreme, type Genotype, type Space } from '../../spaces/index.js';
import type { SupernetConfig } from './schema.js';

/** Draws a genotype of a space. */
export type Sampler = (random: Random) => Genotype;

/** The ends of a space (`extremes`). */
interface Ends {
  readonly smallest: Extreme;
  readonly largest: Extreme;
}

/** Draws among which the one nearest to the wanted MACs is taken. */
const candidates = 24;

/** How each kind of `sampling` draws. */
const samplers: { readonly [K in SupernetConfig['sampling']]: (space: Space, ends: Ends) => Sampler } = {
  uniform: (space) => (random) => sampleGenotype(space, random),
  macs: (space, ends) => {
    const logMacs = (genotype: Genotype): number => Math.log(costs(space.build(genotype)).macs);
    const [least, most] = [Math.log(ends.smallest.costs.macs), Math.log(ends.largest.costs.macs)];
    return (random) => {
      const wanted = least + (most - least) * random.uniform();
      const drawn = Array.from({ length: candidates }, () => sampleGenotype(space, random));
      const distances = drawn.map((genotype) => Math.abs(logMacs(genotype) - wanted));
      return drawn[distances.indexOf(Math.min(...distances))];
    };
  },
};

/** What draws the random members of a supernet. */
export const createSampler = (sampling: SupernetConfig['sampling'], space: Space, ends: Ends): Sampler =>
  samplers[sampling](space, ends);
