import { Random } from '../../base/random.js';
import { extremes, genotypeId, memberOf, type Member, type Space } from '../../spaces/index.js';
import type { SupernetConfig } from './schema.js';
import { createSampler } from './sampling.js';

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
