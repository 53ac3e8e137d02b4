/** Controllers and frontiers, without a run. */
import type { z } from 'zod';
import { loadController, searchSchema, type Controller, type ControllerInput } from '../search/index.js';
import { parsed } from './parsed.js';

export { frontier, hypervolume, type AskContext, type Controller, type Objective } from '../search/index.js';
export type { ControllerModule } from '../search/index.js';

/**
 * A controller, from the keys of `search:` in an experiment file. It is a function of the history that each ask gets.
 *
 * @example
 * const objectives = [{ name: 'accuracy', direction: 'maximize', cost: 'expensive' }] as const;
 * const controller = await createController({ controller: 'local' }, { space, objectives, seed: 0 });
 * const { genotype } = controller.ask({ number: 0, history: [], pending: [], cheap: () => ({}) });
 * @throws NasError `invalid-input` for unknown settings, and modules that give no controller.
 */
export const createController = (search: z.input<typeof searchSchema>, input: ControllerInput): Promise<Controller> =>
  loadController(parsed('search', searchSchema, search), input);
