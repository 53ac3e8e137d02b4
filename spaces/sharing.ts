import { invalidInput } from '../base/errors.js';
import type { Genotype } from './genotype.js';
import type { Network } from './network.js';
import type { Space } from './space.js';

/**
 * A network of a space whose members share weights, as plain data. Its layers are numbered through the network
 * (`block5_expand`), but what they share goes by places: stage and position in it.
 */
export interface Member {
  /** Canonical. */
  readonly genotype: Genotype;
  readonly network: Network;
  /** One for each block of the network: `stage2.1`. */
  readonly places: readonly string[];
}

/**
 * The member that a genotype, canonical or not, means.
 * @throws NasError `invalid-input` when the space does not say where its blocks are
 */
export function memberOf(space: Space, genotype: Genotype): Member {
  const { places } = space;
  if (places === undefined)
    throw invalidInput(`members of the space ${space.name} share no weights`, {
      hint: 'Weights are shared in spaces of type mobilenet, efficientnet, blocks and ofa-mobilenetv3.',
    });
  const canonical = space.canonical(genotype);
  return { genotype: canonical, network: space.build(canonical), places: places(canonical) };
}

/** The name by which members share a weight: `block5_expand_bn/gamma` is `stage2.1_expand_bn/gamma`; `stem/kernel` stays. */
export const sharedName = (places: readonly string[], name: string): string =>
  name.replace(/^block(\d+)(?=[_/])/, (_, number) => places[Number(number) - 1]);
