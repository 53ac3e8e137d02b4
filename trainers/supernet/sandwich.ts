import { Random } from '../../base/random.js';
import {
  costs,
  extremes,
  type Genotype,
  genotypeId,
  type Member,
  memberOf,
  type Network,
  sampleGenotype,
  type Space,
} from '../../spaces/index.js';
import type { SupernetConfig } from '../schema/supernet.js';

/** A member that trains in a step. */
export interface Trainee {
  /** Its role: `largest`, `smallest`, `random1`. */
  readonly role: string;
  readonly member: Member;
  /** The member's id. */
  readonly id: string;
}

/** The members that train together in each step (sandwich rule: Yu & Huang 2019). */
export interface Sandwich {
  readonly largest: Member;
  /** The networks that differ from the largest by one decision: with it, they have all kinds of blocks. */
  others(): readonly Network[];
  /** The members of a step, the largest first; depends only on seed and step. */
  at(step: number): readonly Trainee[];
}

const traineeOf = (role: string, member: Member): Trainee => ({ role, member, id: genotypeId(member.genotype) });

/**
 * The largest member, the smallest if it is another, and random members. A random member stays for `hold` steps. They
 * change at different steps, which spreads the compilation time.
 * @throws NasError `invalid-input` when members of the space share no weights
 */
export function createSandwich(
  space: Space,
  { networks, hold, sampling }: Pick<SupernetConfig, 'networks' | 'hold' | 'sampling'>,
  seed: number,
): Sandwich {
  const ends = extremes(space);
  const largest = traineeOf('largest', memberOf(space, ends.largest.genotype));
  const smallest = traineeOf('smallest', memberOf(space, ends.smallest.genotype));
  const always = largest.id === smallest.id ? [largest] : [largest, smallest];
  const draw = samplers[sampling](space, ends);
  const held = new Map<string, { readonly turn: number; readonly trainee: Trainee }>();
  const random = (place: number, step: number): Trainee => {
    const role = `random${place + 1}`;
    const turn = Math.floor((step + Math.floor((place * hold) / networks)) / hold);
    const known = held.get(role);
    if (known?.turn === turn) return known.trainee;
    const trainee = traineeOf(role, memberOf(space, draw(new Random(seed, 'supernet', place, turn))));
    held.set(role, { turn, trainee });
    return trainee;
  };
  return {
    largest: largest.member,
    others: () =>
      space.decisions.flatMap(({ choices }, i) =>
        [...choices.keys()].map((choice) => space.build(space.canonical(ends.largest.genotype.with(i, choice)))),
      ),
    at: (step) => [...always, ...Array.from({ length: networks }, (_, place) => random(place, step))],
  };
}

type Sampler = (random: Random) => Genotype;

/** The draw with the MACs nearest to the wanted number wins. */
const candidates = 24;

/** How each kind of `sampling` draws random members. */
const samplers: {
  readonly [K in SupernetConfig['sampling']]: (space: Space, ends: ReturnType<typeof extremes>) => Sampler;
} = {
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
