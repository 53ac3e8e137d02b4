import { Random } from '../base/random.js';
import { genotypeId } from '../spaces/index.js';
import type { AskContext, Controller, ControllerInput } from './controller.js';
import { evolutionStrategy } from './evolution.js';
import { Asked } from './history.js';
import { localStrategy } from './local.js';
import { nsga2Strategy } from './nsga2.js';
import type { Values } from './objective.js';
import { propose } from './propose.js';
import { randomStrategy } from './random.js';
import { reinforceStrategy } from './reinforce.js';
import type { SearchConfig } from './schema.js';
import type { StrategyFactory } from './strategy.js';
import { tpeStrategy } from './tpe.js';

const strategies: { readonly [K in SearchConfig['controller']]: StrategyFactory } = {
  random: randomStrategy,
  evolution: evolutionStrategy,
  nsga2: nsga2Strategy,
  local: localStrategy,
  tpe: tpeStrategy,
  reinforce: reinforceStrategy,
};

/**
 * The controller of a configuration. Between asks it remembers only what follows from the history it was given, to be
 * fast: with the same `Told` objects in a history that grows, an ask does not depend on the history's length.
 */
export function createController(config: SearchConfig, input: ControllerInput): Controller {
  const strategy = strategies[config.controller](config, input);
  const asked = new Asked();
  return {
    name: config.controller,
    ask(context) {
      const random = new Random(input.seed, 'search', context.number);
      const before = asked.at(context);
      const known = { ...context, cheap: memoised(context) };
      return propose(input, known, before, strategy(known, random, before), random);
    },
  };
}

/** Within one ask, a strategy looks at the cheap objectives of a candidate that is judged again later. */
function memoised(context: AskContext): AskContext['cheap'] {
  const known = new Map<string, Values>();
  return (genotype) => {
    const id = genotypeId(genotype);
    const values = known.get(id) ?? context.cheap(genotype);
    known.set(id, values);
    return values;
  };
}
