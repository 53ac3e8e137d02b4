import { Random } from '../base/random.js';
import { genotypeId } from '../spaces/index.js';
import type { AskContext, Controller, ControllerInput, Enqueued, Proposal } from './controller.js';
import { evolutionStrategy } from './evolution.js';
import { Foresight } from './fidelity/index.js';
import { Asked, type AskedIds } from './history.js';
import { localStrategy } from './local.js';
import { nsga2Strategy } from './nsga2.js';
import { objectivesWithout, type Values } from './objective.js';
import { propose } from './propose.js';
import { randomStrategy } from './random.js';
import { reinforceStrategy } from './reinforce.js';
import type { SearchConfig } from './schema.js';
import type { Strategy, StrategyFactory } from './strategy.js';
import { surrogateStrategy } from './surrogate/strategy.js';
import { tpeStrategy } from './tpe.js';

const strategies: { readonly [K in SearchConfig['controller']]: StrategyFactory } = {
  random: randomStrategy,
  evolution: evolutionStrategy,
  nsga2: nsga2Strategy,
  local: localStrategy,
  tpe: tpeStrategy,
  reinforce: reinforceStrategy,
  surrogate: surrogateStrategy,
};

/**
 * The controller of a configuration. Between asks it remembers only what follows from the history it was given, to be
 * fast: with the same `Told` objects in a history that grows, an ask does not depend on the history's length.
 */
export function createController(config: SearchConfig, input: ControllerInput): Controller {
  const strategyWithout = strategiesOf(config, input);
  const asked = new Asked();
  const values = new CheapValues();
  const foresight = new Foresight(input.objectives);
  return {
    name: config.controller,
    ask(context) {
      const random = new Random(input.seed, 'search', context.number);
      const before = asked.at(context);
      const given = nextEnqueued(input.enqueued ?? [], before);
      if (given !== undefined) return given;
      const known = { ...context, history: foresight.of(context.history), cheap: values.of(context.cheap) };
      const strategy = strategyWithout(context.untold ?? []);
      return propose(input, known, before, (judge) => strategy(known, random, before, judge), random);
    },
  };
}

/**
 * The first enqueued genotype that was not asked yet. It is proposed even when it breaks a cheap constraint: who names a
 * network wants to see what becomes of it.
 */
function nextEnqueued(enqueued: readonly Enqueued[], asked: AskedIds): Proposal | undefined {
  const next = enqueued.find(({ genotype }) => !asked.has(genotypeId(genotype)));
  if (next === undefined) return undefined;
  const { genotype, name } = next;
  return { genotype, source: { kind: 'enqueued', name }, reason: `enqueued: ${name}`, rejected: 0 };
}

/** The strategy for each set of cheap objectives that are not told: to it, they are known of trials only. */
function strategiesOf(config: SearchConfig, input: ControllerInput): (untold: readonly string[]) => Strategy {
  const made = new Map<string, Strategy>();
  return (untold) => {
    const key = untold.join();
    const objectives = objectivesWithout(input.objectives, untold);
    const strategy = made.get(key) ?? strategies[config.controller](config, { ...input, objectives });
    made.set(key, strategy);
    return strategy;
  };
}

/** So many candidates' cheap objectives are remembered; then it begins anew. */
const remembered = 100_000;

/** A strategy looks at the cheap objectives of many candidates again and again, in one ask and in the next. */
class CheapValues {
  private source: AskContext['cheap'] | undefined;
  private known: AskContext['cheap'] = () => ({});

  /** The same function, which computes nothing twice; the same object as long as `cheap` is. */
  of(cheap: AskContext['cheap']): AskContext['cheap'] {
    if (cheap === this.source) return this.known;
    const values = new Map<string, Values>();
    this.source = cheap;
    return (this.known = (genotype) => {
      const id = genotypeId(genotype);
      const known = values.get(id);
      if (known !== undefined) return known;
      if (values.size >= remembered) values.clear();
      const found = cheap(genotype);
      values.set(id, found);
      return found;
    });
  }
}
