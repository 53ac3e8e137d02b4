import type { FastifyRequest } from 'fastify';
import { messageOf } from '../../base/errors.js';
import type { RunOptions } from '../inference/pool.js';
import type { Model } from '../models/model.js';
import type { RouteContext } from './context.js';
import { badRequest, shown } from './refusals.js';

/** Header: milliseconds from the arrival of the headers to the deadline. */
export const budgetHeader = 'x-budget-ms';

/** The longest budget; a longer one is no deadline worth scheduling for. */
const mostMs = 60_000;

/** @throws Refusal 400 unless it is a positive number of milliseconds, at most a minute. */
export function checkBudget(given: unknown, where: string): number {
  const ms = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
  if (typeof ms === 'number' && ms > 0 && ms <= mostMs) return ms;
  throw badRequest(
    `${where} is ${shown(given)}`,
    `It must be a number of milliseconds above 0 and at most ${mostMs}, from the request's start to its answer.`,
  );
}

/**
 * Deadline and cancellation of a request.
 * @param only requested model; null: the scheduler chooses
 * @param asked budget in ms from the body; the header overrides it, the server's default comes last
 * @throws Refusal 400 when the header is not a budget
 */
export function runOptionsOf(
  { arrived, admitted: { client }, headers: { [budgetHeader]: budget }, raw: { socket } }: FastifyRequest,
  { limits }: Pick<RouteContext, 'limits'>,
  only: Model | null,
  asked?: number,
): RunOptions {
  const ms = budget === undefined ? (asked ?? limits.budgetMs) : checkBudget(budget, budgetHeader);
  return { deadline: arrived + ms, only, isGone: () => socket.destroyed, client };
}

/** A hook that checks a request before its body is read. */
export const checkFirst =
  <R>(check: (request: R) => void) =>
  (request: R, _: unknown, done: (error?: Error) => void): void => {
    try {
      check(request);
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error(messageOf(error)));
    }
  };
