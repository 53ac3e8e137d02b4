/** Spaces and their networks, without a run. */
import type { z } from 'zod';
import { Random } from '../base/random.js';
import { createSpace as create, sampleGenotype as sample, spaceSchema } from '../spaces/index.js';
import type { DecisionSpace, Genotype, Space, Task } from '../spaces/index.js';
import { parsed } from './parsed.js';

export { choicesOf, costs, type Genotype, type Network, type Space, type Task } from '../spaces/index.js';

/**
 * A search space, from the keys of `space:` in an experiment file.
 *
 * @example
 * const space = await createSpace({ type: 'mobilenet', preset: 'small' }, { input: [32, 32, 3], classes: 10 });
 * const network = space.build(space.decisions.map(() => 0));
 * @param task shape of the images and number of classes.
 * @throws NasError `invalid-input` with the key path (`space.stages[2].stride`) when the space is impossible.
 */
export const createSpace = async (space: z.input<typeof spaceSchema>, task: Task): Promise<Space> =>
  create(parsed('space', spaceSchema, space), task);

/**
 * A random network of a space, each decision uniform over its choices; of a table, each row equally likely.
 *
 * @example
 * const network = space.build(sampleGenotype(space, 7));
 * @param seed decides it.
 */
export const sampleGenotype = (space: DecisionSpace, seed: number): Genotype =>
  sample(space, new Random(seed, 'sample'));
