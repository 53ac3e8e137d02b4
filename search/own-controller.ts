import { inspect } from 'node:util';
import { z } from 'zod';
import { invalidInput, messageOf, NasError } from '../base/errors.js';
import { importFunction } from '../base/modules.js';
import { genotypeId } from '../spaces/index.js';
import type { AskContext, Controller, ControllerInput } from './controller.js';
import { controllerWith, createController } from './create-controller.js';
import { SpaceExhausted } from './infeasible.js';
import type { SearchConfig } from './schema.js';

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
