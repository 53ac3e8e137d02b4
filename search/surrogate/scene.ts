import type { Genotype } from '../../spaces/index.js';
import type { AskContext, ControllerInput } from '../controller.js';
import type { Judge } from '../propose.js';
import { Encoder } from './encoding.js';
import { ObjectiveModel } from './objective-model.js';
import { poolOf, type Pool } from './pool.js';

/** What stays the same while the cheap objectives do. */
export interface Scene {
  readonly cheap: AskContext['cheap'];
  readonly encoder: Encoder;
  /** The candidates of the whole space, or of a random sample of a large one. */
  readonly pool: Pool;
  /** How many were left out of the pool for a cheap constraint. */
  readonly rejected: number;
  /** A model for each expensive objective. */
  readonly models: readonly (ObjectiveModel | undefined)[];
}

/**
 * @param candidates the whole space or a sample of it.
 * @param complete whether they are the whole space.
 * @param first observations before a model is first fitted.
 */
export function sceneOf(
  { space, objectives }: ControllerInput,
  { cheap }: AskContext,
  candidates: readonly Genotype[],
  complete: boolean,
  first: number,
  judge: Judge,
): Scene {
  const names = objectives.filter(({ cost }) => cost === 'cheap').map(({ name }) => name);
  const encoder = new Encoder(space, names, candidates, cheap);
  const pool = poolOf(candidates, objectives, encoder, judge);
  const models = objectives.map((objective) =>
    objective.cost === 'cheap'
      ? undefined
      : new ObjectiveModel(objective, encoder, first, complete ? pool.encoded : undefined),
  );
  return { cheap, encoder, pool, rejected: candidates.length - pool.genotypes.length, models };
}
