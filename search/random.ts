import { sampleGenotype } from '../spaces/index.js';
import type { StrategyFactory } from './strategy.js';

/** Random search: every decision uniform over its choices. */
export const randomStrategy: StrategyFactory =
  (_config, { space }) =>
  (_context, random) =>
  () => ({ genotype: sampleGenotype(space, random), reason: 'random' });
