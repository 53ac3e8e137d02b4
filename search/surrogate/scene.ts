import type { Genotype } from '../../spaces/index.js';
import type { AskContext, ControllerInput } from '../controller.js';
import type { Values } from '../objective.js';
import type { Judge } from '../propose.js';
import { rangeOf, type Range } from './acquisition.js';
import { Encoder } from './encoding.js';
import { poolOf, type Pool } from './pool.js';

/** What stays the same while the cheap objectives do. */
export interface Scene {
  readonly cheap: AskContext['cheap'];
  readonly encoder: Encoder;
  /** The candidates of the whole space, or of a random sample of a large one. */
  readonly pool: Pool;
  /** The range of each cheap objective in the pool. */
  readonly ranges: readonly (Range | undefined)[];
  /** How many were left out of the pool for a cheap constraint. */
  readonly rejected: number;
}

/** What a scene is made of. */
export interface SceneInput {
  readonly cheap: AskContext['cheap'];
  /** The whole space, or a sample of it. */
  readonly candidates: readonly Genotype[];
  readonly judge: Judge;
  /** Numbers that models learn from besides the cheap objectives; those that are not known are absent. */
  readonly features?: { readonly names: readonly string[]; readonly of: (genotype: Genotype) => Values };
}

export function sceneOf(
  { space, objectives }: ControllerInput,
  { cheap, candidates, judge, features }: SceneInput,
): Scene {
  const costs = objectives.filter(({ cost }) => cost === 'cheap').map(({ name }) => name);
  const encoder =
    features === undefined
      ? new Encoder(space, costs, candidates, cheap)
      : new Encoder(space, [...costs, ...features.names], candidates, (genotype) => ({
          ...cheap(genotype),
          ...features.of(genotype),
        }));
  const pool = poolOf(candidates, objectives, encoder, judge);
  const ranges = pool.known.map((values) => values && rangeOf(values));
  return { cheap, encoder, pool, ranges, rejected: candidates.length - pool.genotypes.length };
}
