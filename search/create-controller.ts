import { inspect } from 'node:util';
import { z } from 'zod';
import { BoundedCache } from '../base/bounded-cache.js';
import { invalidInput, messageOf, NasError } from '../base/errors.js';
import { Random } from '../base/random.js';
import { importFunction } from '../base/modules.js';
import { genotypeId } from '../spaces/index.js';
import type { AskContext, Controller, ControllerInput, Proposal } from './controller.js';
import { ExtrapolatedHistory } from './fidelity/learning-curves.js';
import { Asked, type AskedIds } from './history.js';
import { objectivesWithout, type Values } from './objective.js';
import { propose, SpaceExhausted } from './propose.js';
import type { ControllerName, SearchConfig } from './schema.js';
import { localStrategy } from './strategies/local.js';
import { randomStrategy, type Strategy, type StrategyFactory } from './strategies/strategy.js';
import { surrogateStrategy } from './surrogate/strategy.js';

const strategies: { readonly [K in ControllerName]: StrategyFactory } = {
  random: randomStrategy,
  local: localStrategy,
  surrogate: surrogateStrategy,
};

/**
 * Creates a built-in controller. Between asks it caches only what follows from the history: with the same `TrialResult`
 * objects in a history that grows, the time of an ask does not depend on the history's length.
 */
export function createController(name: ControllerName, config: SearchConfig, input: ControllerInput): Controller {
  // One strategy for each set of cheap objectives that cannot be predicted.
  const made = new Map<string, Strategy>();
  const strategyFor = (unpredicted: readonly string[]): Strategy => {
    const key = unpredicted.join();
    const objectives = objectivesWithout(input.objectives, unpredicted);
    const strategy = made.get(key) ?? strategies[name](config, { ...input, objectives });
    made.set(key, strategy);
    return strategy;
  };
  return controllerWith(name, input, (context, asked) => {
    const random = new Random(input.seed, 'search', context.number);
    const strategy = strategyFor(context.unpredicted ?? []);
    return propose(input, context, asked, (judge) => strategy(context, random, asked, judge), random);
  });
}

/**
 * A controller that proposes enqueued networks first, whether or not they keep the cheap constraints, and then those of
 * `next`, which sees partly trained trials as complete.
 */
function controllerWith(
  name: string,
  { objectives, enqueued = [] }: ControllerInput,
  next: (context: AskContext, asked: AskedIds) => Proposal,
): Controller {
  const askedSoFar = new Asked();
  const memoised = cheapMemo();
  const extrapolated = new ExtrapolatedHistory(objectives);
  return {
    name,
    ask(context) {
      const asked = askedSoFar.at(context);
      const first = enqueued.find(({ genotype }) => !asked.has(genotypeId(genotype)));
      if (first === undefined)
        return next({ ...context, history: extrapolated.of(context.history), cheap: memoised(context.cheap) }, asked);
      const source = { kind: 'enqueued', name: first.name } as const;
      return { genotype: first.genotype, source, reason: `enqueued: ${first.name}`, rejected: 0 };
    },
  };
}

/** Candidates whose cheap objectives are cached before the cache is emptied. */
const maxCached = 10_000;

/** Memoises `cheap`, by candidate: strategies evaluate the same candidates again and again. */
function cheapMemo(): (cheap: AskContext['cheap']) => AskContext['cheap'] {
  let memo: { readonly source: AskContext['cheap']; readonly memoised: AskContext['cheap'] } | undefined;
  return (source) => {
    if (memo?.source === source) return memo.memoised;
    const values = new BoundedCache<Values>(maxCached);
    const memoised: AskContext['cheap'] = (genotype) => values.of(genotypeId(genotype), () => source(genotype));
    memo = { source, memoised };
    return memoised;
  };
}

/** A proposal of a user's controller. */
export interface OwnProposal {
  /** One choice index per decision. */
  readonly genotype: readonly number[];
  /** One line. */
  readonly reason?: string;
}

/**
 * A search strategy in a user's module, as a function of the history: the same context must give the same answer, so that
 * runs can be resumed. Undefined when nothing is left to try, which ends the search.
 */
export interface OwnController {
  ask(context: AskContext): OwnProposal | undefined;
}

/** The default export of the module of `search: {controller: {type: module, path}}`. */
export type ControllerModule = (input: ControllerInput) => OwnController | Promise<OwnController>;

const proposalShape = z.object({ genotype: z.array(z.number().int().min(0)), reason: z.string().min(1).optional() });

/**
 * Wraps a user's controller: enqueued networks come first, and it sees partly trained trials as complete.
 * @throws NasError from `ask`: `invalid-input` when it throws, or proposes something that is no network of the space or
 *   was asked before.
 */
export function ownController(name: string, input: ControllerInput, own: OwnController): Controller {
  const place = `search.controller: ${name}: ask()`;
  const wrong = (message: string) => invalidInput(`${place} ${message}`);
  const ask = (context: AskContext) => {
    try {
      return own.ask(context);
    } catch (error) {
      throw thrownBy(place, error);
    }
  };
  return controllerWith(name, input, (context, asked) => {
    const answer = ask(context);
    if (answer === undefined) throw new SpaceExhausted(`${name} has nothing left to try`);
    const parsed = proposalShape.safeParse(answer);
    if (!parsed.success) {
      const shown = inspect(answer, { breakLength: Infinity, maxArrayLength: 20 });
      throw wrong(`has to give {genotype: [one index a decision], reason?: text}, not ${shown}`);
    }
    const { genotype: given, reason = name } = parsed.data;
    const { space } = input;
    if (given.length !== space.decisions.length || given.some((index, i) => index >= space.decisions[i].choices.length))
      throw wrong(`proposed [${given.join()}], which is no genotype of the space ${space.name}`);
    const genotype = space.canonical(given);
    if (space.members?.has(genotype) === false)
      throw wrong(`proposed [${given.join()}], which the space ${space.name} does not have`);
    if (asked.has(genotypeId(genotype)))
      throw wrong(`proposed [${given.join()}], which was asked before; see context.history and context.pending`);
    return { genotype, source: { kind: 'controller' }, reason, rejected: 0 };
  });
}

/** An error that a user's function threw, with its place; a NasError stays as it is. */
const thrownBy = (place: string, error: unknown): NasError =>
  error instanceof NasError ? error : invalidInput(`${place} threw: ${messageOf(error)}`, { cause: error });

/**
 * The controller of a configuration: built in, or from a user's module.
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
      throw thrownBy(`search.controller.path: ${path}`, error);
    });
  if (typeof own !== 'object' || own === null || !('ask' in own) || typeof own.ask !== 'function')
    throw invalidInput(`search.controller.path: ${path}: must give a controller: an object with ask(context)`);
  return ownController(path, input, own as OwnController);
}
