import { Random } from '../../base/random.js';
import {
  costs,
  type Extreme,
  extremes,
  type Genotype,
  genotypeId,
  type Member,
  memberOf,
  sampleGenotype,
  type Space,
} from '../../spaces/index.js';
import type { SupernetConfig } from './schema.js';

/** A member that trains in a step. */
export interface Trainee {
  /** What it is there for: `largest`, `smallest`, `random1`. */
  readonly role: string;
  readonly member: Member;
  /** The member's id. */
  readonly id: string;
}

/** The members that train together in each step (sandwich rule: Yu & Huang 2019). */
export interface Sandwich {
  readonly largest: Member;
  /** The members of a step, the largest first: a function of the seed and the step alone. */
  at(step: number): readonly Trainee[];
}

const traineeOf = (role: string, member: Member): Trainee => ({ role, member, id: genotypeId(member.genotype) });

/**
 * The largest member, the smallest when it is another, and random ones. Each of these is held for `hold` steps, and they
 * change at different steps, so that the time for compiling is spread.
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
  const draw = createSampler(sampling, space, ends);
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
    at: (step) => [...always, ...Array.from({ length: networks }, (_, place) => random(place, step))],
  };
}

/** Draws a genotype of a space. */
type Sampler = (random: Random) => Genotype;

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
const createSampler = (sampling: SupernetConfig['sampling'], space: Space, ends: Ends): Sampler =>
  samplers[sampling](space, ends);
