import type { FastifyRequest } from 'fastify';
import type { RunOptions } from '../inference/types.js';
import type { Model } from '../models/model.js';
import type { RouteContext } from './context.js';
import { badRequest, shown } from './refusals.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** When the headers had come, on the clock of `performance.now()`. */
    arrived: number;
  }
}

/** Milliseconds from the request's headers until its answer is of no use any more. */
export const budgetHeader = 'x-budget-ms';

/** The longest budget; who can wait longer has no deadline worth scheduling for. */
const mostMs = 60_000;

/** @throws Refusal 400 unless it is a positive number of milliseconds, at most a minute. */
export function checkBudget(given: unknown, where: string): number {
  const ms = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
  if (typeof ms === 'number' && ms > 0 && ms <= mostMs) return ms;
  throw badRequest(
    `${where} is ${shown(given)}`,
    `It is a number of milliseconds above 0 and at most ${mostMs}, from the request's beginning to its answer.`,
  );
}

/**
 * How the images of a request are to be run: until its deadline, and as long as its client is there.
 * @param only the model that is asked for; null: the scheduler chooses
 * @param asked the budget in ms that the body asks for; the header comes before it, the server's after it
 * @throws Refusal 400 when the header is no budget
 */
export function runOptionsOf(
  request: FastifyRequest,
  { limits }: Pick<RouteContext, 'limits'>,
  only: Model | null,
  asked?: number,
): RunOptions {
  const header = request.headers[budgetHeader];
  const budget = header === undefined ? (asked ?? limits.budgetMs) : checkBudget(header, budgetHeader);
  const { socket } = request.raw;
  return { deadline: request.arrived + budget, only, isGone: () => socket.destroyed };
}
