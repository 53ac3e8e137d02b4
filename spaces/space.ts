import type { Decision, Genotype } from './genotype.js';
import { detectionOf, type Network } from './network.js';
import type { MapTask } from '../base/task.js';
import { invalidInput } from '../base/errors.js';

/** Properties of the data that every network of a space shares. */
export interface Task {
  /** Height, width and channels of the images, before a space's own resolution decision. */
  readonly input: readonly [height: number, width: number, channels: number];
  readonly classes: number;
  /** What the maps of the networks answer; absent: they answer with a row of numbers. */
  readonly maps?: MapTask | undefined;
}

/** The genotypes that exist in a space without every combination of its choices. */
export interface Members {
  readonly size: number;
  has(genotype: Genotype): boolean;
  /** In lexicographic order, from 0. */
  at(index: number): Genotype;
  /**
   * The members nearest to a genotype, other than itself: all at the smallest Hamming distance, then all at the next,
   * until there are `fewest`; each distance in lexicographic order.
   */
  nearest(genotype: Genotype, fewest: number): readonly Genotype[];
}

/** The part of a search space that a controller needs: the decisions, and which genotypes are equivalent. */
export interface DecisionSpace {
  readonly name: string;
  readonly decisions: readonly Decision[];
  /**
   * The lexicographically smallest equivalent genotype: irrelevant decisions become index 0, and the first of several
   * genotypes that build the same network represents all. Idempotent; equal networks have equal ids.
   */
  readonly canonical: (genotype: Genotype) => Genotype;
  /**
   * The existing genotypes when not every combination exists (a table with some rows of a large space). `sampleGenotype`,
   * `mutate`, `crossover`, `neighbours` and `enumerate` return members only.
   */
  readonly members?: Members;
  /** The exact number of canonical genotypes, when it is known without listing them; see `spaceSize`. */
  readonly count?: () => bigint;
  /**
   * Numbers that describe the executed network (depth, widths, counts of operations) for controllers with a model: always
   * as many, all finite, equal for genotypes that execute the same.
   */
  readonly features?: (genotype: Genotype) => readonly number[];
  /**
   * For each decision, whether it affects the executed network. A model-based controller treats all choices of inactive
   * decisions as equal. Absent: all are active, except that `canonical` may set irrelevant ones to index 0.
   */
  readonly active?: (genotype: Genotype) => readonly boolean[];
}

/** A search space: an ordered list of decisions and the network that each genotype means. */
export interface Space extends DecisionSpace {
  /** The network of a genotype. Canonical genotypes with different ids give different networks. */
  readonly build: (genotype: Genotype) => Network;
  /** The canonical genotype of a network; null when it is no member. Absent: unknown for all. */
  readonly find?: (network: Network) => Genotype | null;
  /** All inputs [height, width, channels] of its networks; absent: the task's alone. */
  readonly inputs?: readonly Network['input'][];
  /**
   * The place of each block of `build(genotype)`: stage and position, from 1 (`stage2.1`). Members share weights by place
   * (`sharedName`); block numbers would shift with the depths of earlier stages. Absent: members share no weights.
   */
  readonly places?: (genotype: Genotype) => readonly string[];
}

/** The sizes of the images that the networks of a space take, each once. */
export const inputSizes = (
  { inputs }: Pick<Space, 'inputs'>,
  { input }: Task,
): readonly (readonly [height: number, width: number])[] => {
  const sizes = new Map((inputs ?? [input]).map(([height, width]) => [`${height}x${width}`, [height, width] as const]));
  return [...sizes.values()];
};

/**
 * A network of a space whose members share weights, as plain data. Its layers are named by block number (`block5_expand`);
 * shared weights are named by place.
 */
export interface Member {
  /** Canonical. */
  readonly genotype: Genotype;
  readonly network: Network;
  /** One place for each block: `stage2.1`. */
  readonly places: readonly string[];
}

/**
 * The member of a genotype, canonical or not.
 * @throws NasError `invalid-input` when the space has no `places`
 */
export function memberOf(space: Space, genotype: Genotype): Member {
  const { places } = space;
  if (places === undefined)
    throw invalidInput(`members of the space ${space.name} share no weights`, {
      hint: 'Weights are shared in spaces of type mobilenet, efficientnet and blocks.',
    });
  const canonical = space.canonical(genotype);
  return { genotype: canonical, network: space.build(canonical), places: places(canonical) };
}

/**
 * The shared name of a weight: `block5_expand_bn/gamma` becomes `stage2.1_expand_bn/gamma`; `stem/kernel` stays. Outputs of detectors are
 * shared by members of one stride, because boxes are in cells: `boxes/kernel` becomes `boxes4/kernel`.
 */
export const sharedName = ({ places, network }: Pick<Member, 'places' | 'network'>, name: string): string =>
  name
    .replace(/^block(\d+)(?=[_/])/, (_, number) => places[Number(number) - 1])
    .replace(/^(?:classes|boxes)(?=\/)/, (own) => `${own}${detectionOf(network)?.stride ?? ''}`);
