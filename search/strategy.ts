import type { Random } from '../base/random.js';
import type { AskContext, ControllerInput } from './controller.js';
import type { AskedIds } from './history.js';
import type { Candidate, Judge } from './propose.js';
import type { SearchConfig } from './schema.js';

/**
 * What is particular to a controller: from what is known, a source of candidates that would be worth trying. It is
 * drawn from until a candidate is new and keeps the constraints; a strategy that chooses among several candidates looks
 * into `asked` itself, not to choose one in vain, and looks at them through `judge`, which knows the cheap constraints.
 */
export type Strategy = (context: AskContext, random: Random, asked: AskedIds, judge: Judge) => () => Candidate;

export type StrategyFactory = (config: SearchConfig, input: ControllerInput) => Strategy;
