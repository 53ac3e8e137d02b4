import { Random } from '../base/random.js';
import { genotypeId } from '../spaces/index.js';
import type { AskContext, Controller, ControllerInput, Enqueued, Proposal } from './controller.js';
import { evolutionStrategy, nsga2Strategy } from './strategies/evolution.js';
import { Foresight } from './fidelity/learning-curves.js';
import { Asked, type AskedIds } from './history.js';
import { localStrategy } from './strategies/local.js';
import { objectivesWithout, type Values } from './objective.js';
import { propose, SpaceExhausted } from './propose.js';
import { randomStrategy, type Strategy, type StrategyFactory } from './strategies/strategy.js';
import { reinforceStrategy } from './strategies/reinforce.js';
import type { ControllerName, SearchConfig } from './schema.js';
import { surrogateStrategy } from './surrogate/strategy.js';
import { tpeStrategy } from './strategies/tpe.js';
import { inspect } from 'node:util';
import { z } from 'zod';
import { invalidInput, messageOf, NasError } from '../base/errors.js';
import { importFunction } from '../base/user-module.js';

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

/** What a controller of one's own answers. */
export interface OwnProposal {
  /** One index a decision. */
  readonly genotype: readonly number[];
  /** One line on why. */
  readonly reason?: string;
}

/**
 * A search strategy in code, as a function of the history: `ask` has to answer the same whenever it is given the same,
 * so that a run can be resumed. Undefined when it has nothing left to try: the search is over.
 */
export interface OwnController {
  ask(context: AskContext): OwnProposal | undefined;
}

/** The default export of the module of `search: {controller: {type: module, path}}`. */
export type ControllerModule = (input: ControllerInput) => OwnController | Promise<OwnController>;

const proposalShape = z.object({ genotype: z.array(z.number().int().min(0)), reason: z.string().min(1).optional() });

/**
 * Makes a controller of one's own one of ours: it sees no difference between trials that were trained in part and in
 * whole, and what is enqueued comes before it.
 * @throws NasError from `ask`: `invalid-input` when it proposes what is no network of the space, or was asked before, or
 *   throws itself.
 */
export function ownController(name: string, input: ControllerInput, own: OwnController): Controller {
  const wrong = (message: string) => invalidInput(`search.controller: ${name}: ask() ${message}`);
  const ask = (context: AskContext) => {
    try {
      return own.ask(context);
    } catch (error) {
      throw thrown(`search.controller: ${name}: ask()`, error);
    }
  };
  return controllerWith(name, input, (context, before) => {
    const answer = ask(context);
    if (answer === undefined) throw new SpaceExhausted(`${name} has nothing left to try`);
    const parsed = proposalShape.safeParse(answer);
    if (!parsed.success)
      throw wrong(`has to give {genotype: [one index a decision], reason?: text}, not ${shown(answer)}`);
    const { genotype: given, reason = name } = parsed.data;
    const { decisions } = input.space;
    if (given.length !== decisions.length || given.some((index, i) => index >= decisions[i].choices.length))
      throw wrong(`proposed [${given.join()}], which is no genotype of the space ${input.space.name}`);
    const genotype = input.space.canonical(given);
    if (input.space.members?.has(genotype) === false)
      throw wrong(`proposed [${given.join()}], which the space ${input.space.name} does not have`);
    if (before.has(genotypeId(genotype)))
      throw wrong(`proposed [${given.join()}], which was asked before; see context.history and context.pending`);
    return { genotype, source: { kind: 'controller' }, reason, rejected: 0 };
  });
}

const shown = (answer: unknown): string => inspect(answer, { breakLength: Infinity, maxArrayLength: 20 });

/** What a function of a user's threw, with its place; errors of ours tell theirs. */
const thrown = (place: string, error: unknown): NasError =>
  error instanceof NasError ? error : invalidInput(`${place} threw: ${messageOf(error)}`, { cause: error });

/**
 * The controller of a configuration, one of ours or in a module.
 * @throws NasError `invalid-input` when the module cannot be imported, throws or gives no controller.
 */
export async function loadController(config: SearchConfig, input: ControllerInput): Promise<Controller> {
  const { controller } = config;
  if (typeof controller === 'string') return createController(controller, config, input);
  const { path } = controller;
  const make = await importFunction<ControllerModule>(path, 'search.controller.path', '(input) => Controller');
  const own: unknown = await Promise.resolve(input)
    .then(make)
    .catch((error: unknown) => {
      throw thrown(`search.controller.path: ${path}`, error);
    });
  if (typeof own !== 'object' || own === null || !('ask' in own) || typeof own.ask !== 'function')
    throw invalidInput(`search.controller.path: ${path}: must give a controller: an object with ask(context)`);
  return ownController(path, input, own as OwnController);
}
