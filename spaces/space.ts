import type { Decision, Genotype } from './genotype.js';
import type { Members } from './table/table-space.js';
import type { Network } from './network.js';
import { invalidInput } from '../base/errors.js';

/** What the data decides about every network of a space. */
export interface Task {
  /** Height, width and channels of the images, before a space's own resolution decision. */
  readonly input: readonly [height: number, width: number, channels: number];
  readonly classes: number;
}

/** What a controller may know of a search space: the decisions, and which genotypes mean the same. */
export interface DecisionSpace {
  readonly name: string;
  readonly decisions: readonly Decision[];
  /**
   * The lexicographically smallest genotype that means the same: decisions that other choices make irrelevant become
   * index 0, and where several genotypes build the same network the first stands for all. Equal networks thus have
   * equal ids; idempotent.
   */
  readonly canonical: (genotype: Genotype) => Genotype;
  /**
   * The genotypes that exist, when not every combination does (a table with some of the rows of a large space).
   * `sampleGenotype`, `mutate`, `crossover`, `neighbours` and `enumerate` give members only.
   */
  readonly members?: Members;
  /** The exact number of canonical genotypes, when it can be told without listing them; see `spaceSize`. */
  readonly count?: () => bigint;
  /**
   * Numbers that describe the network that is executed (depth, widths, how often each operation runs): always as many,
   * all finite, and equal for genotypes that execute the same. What controllers with a model learn from besides the
   * decisions.
   */
  readonly features?: (genotype: Genotype) => readonly number[];
  /**
   * For each decision, whether the network executes what it decides. A controller with a model takes the choices of
   * the others for the same. Absent: all are, except that `canonical` may have set irrelevant ones to index 0.
   */
  readonly active?: (genotype: Genotype) => readonly boolean[];
}

/** A search space: an ordered list of decisions and the network that each genotype means. */
export interface Space extends DecisionSpace {
  /** The network of a genotype; canonical genotypes with different ids give different networks. */
  readonly build: (genotype: Genotype) => Network;
  /**
   * Where each block of `build(genotype)` is in the space, as stage and position in it, from 1: `stage2.1`. By it members
   * share weights (`sharedName`), which block numbers do not tell: those depend on the depths before. Absent: members of
   * this space share none.
   */
  readonly places?: (genotype: Genotype) => readonly string[];
}

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
