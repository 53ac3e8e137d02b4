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
import type { ControllerName, SearchConfig } from './schema.js';
import type { Strategy, StrategyFactory } from './strategy.js';
import { surrogateStrategy } from './surrogate/strategy.js';
import { tpeStrategy } from './tpe.js';

const strategies: { readonly [K in ControllerName]: StrategyFactory } = {
  random: randomStrategy,
  evolution: evolutionStrategy,
  nsga2: nsga2Strategy,
  local: localStrategy,
  tpe: tpeStrategy,
  reinforce: reinforceStrategy,
  surrogate: surrogateStrategy,
};

/**
 * One of our controllers. Between asks it remembers only what follows from the history it was given, to be fast: with the
 * same `Told` objects in a history that grows, an ask does not depend on the history's length.
 */
export function createController(name: ControllerName, config: SearchConfig, input: ControllerInput): Controller {
  const strategyWithout = strategiesOf(strategies[name], config, input);
  return controllerWith(name, input, (context, before) => {
    const random = new Random(input.seed, 'search', context.number);
    const strategy = strategyWithout(context.untold ?? []);
    return propose(input, context, before, (judge) => strategy(context, random, before, judge), random);
  });
}

/**
 * A controller that asks for what is enqueued first, and then has its say.
 * @param next told of trials that were trained in part as if they were complete; `before` knows all networks asked.
 */
export function controllerWith(
  name: string,
  { objectives, enqueued = [] }: ControllerInput,
  next: (context: AskContext, before: AskedIds) => Proposal,
): Controller {
  const asked = new Asked();
  const values = new CheapValues();
  const foresight = new Foresight(objectives);
  return {
    name,
    ask(context) {
      const before = asked.at(context);
      const given = nextEnqueued(enqueued, before);
      if (given !== undefined) return given;
      return next({ ...context, history: foresight.of(context.history), cheap: values.of(context.cheap) }, before);
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
function strategiesOf(
  strategy: StrategyFactory,
  config: SearchConfig,
  input: ControllerInput,
): (untold: readonly string[]) => Strategy {
  const made = new Map<string, Strategy>();
  return (untold) => {
    const key = untold.join();
    const objectives = objectivesWithout(input.objectives, untold);
    const known = made.get(key) ?? strategy(config, { ...input, objectives });
    made.set(key, known);
    return known;
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
