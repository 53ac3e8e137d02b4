import { z } from 'zod';
import { messageOf, NasError, type ErrorCode } from '../../base/errors.js';
import { Refusal } from '../../base/server.js';
import type { Actions, Address, Bodies, ErrorAnswer, Query, Streams } from './api.js';
import { bodySchemas, nothing, querySchemas, wholeNumber } from './queries.js';

const parsed = <T>(schema: z.ZodType<T>, value: unknown, what: string): T => {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
  throw new Refusal(400, `${what} is invalid: ${problems.join('; ')}`);
};

/** Parses the query string. @throws Refusal when it does not match the schema. */
export function parseQuery<A extends Address | keyof Streams>(
  address: A,
  { query }: { readonly query: unknown },
): Query<A> {
  const schemas: Readonly<Partial<Record<string, z.ZodType>>> = querySchemas;
  return parsed(schemas[address] ?? nothing, query, 'the query') as Query<A>;
}

/** Parses the JSON of a POST. @throws Refusal when it does not match the schema. */
export const parseBody = <A extends keyof Actions>(address: A, { body }: { readonly body: unknown }): Bodies[A] =>
  parsed<unknown>(bodySchemas[address], body, 'the request') as Bodies[A];

/** @throws Refusal when it is not a number. */
export const parseTrial = (text: string | undefined): number => parsed(wholeNumber, text, 'the trial number');

const statuses: { readonly [C in ErrorCode]: number } = {
  'invalid-input': 422,
  infeasible: 422,
  'in-use': 503,
  'inputs-changed': 409,
  interrupted: 503,
  failure: 500,
};

const answer = (message: string, hint?: string): ErrorAnswer => ({
  error: { message, ...(hint === undefined ? {} : { hint }) },
});

/** Response for anything that was thrown; `isBug` for unexpected errors. */
export function refusalOf(error: unknown): {
  readonly status: number;
  readonly body: ErrorAnswer;
  readonly isBug: boolean;
} {
  if (error instanceof Refusal) return { status: error.status, body: answer(error.message, error.hint), isBug: false };
  if (error instanceof NasError)
    return { status: statuses[error.code], body: answer(error.message, error.hint), isBug: false };
  // Errors of the framework carry their own status.
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  return { status, body: answer(messageOf(error)), isBug: status >= 500 };
}
