import { z } from 'zod';
import { messageOf, NasError, type ErrorCode } from '../../base/errors.js';
import { Refusal } from '../../base/server.js';
import { storedPrecisions } from '../../store/index.js';
import { noteChange } from '../../runner/stored/notes.js';
import type { Actions, Address, ErrorAnswer, Queries, StreamQueries, Streams } from './api.js';

/** Digits: an empty text and `0x7` are numbers to JavaScript. */
const number = z
  .string()
  .regex(/^\d{1,15}$/, 'expected a whole number')
  .transform(Number);

/** A parameter that may be repeated. */
const list = <T extends z.ZodType>(item: T, least: number, most: number) =>
  z.preprocess((value): unknown => (Array.isArray(value) ? value : [value]), z.array(item).min(least).max(most));

const mostTrials = 5000;
const mostTexts = 1000;
const mostCurves = 500;

const nothing = z.strictObject({});

export const querySchemas: { readonly [A in Address]: z.ZodType<Queries[A]> } = {
  '/api/access': nothing,
  '/api/runs': nothing,
  '/api/runs/:run': nothing,
  '/api/runs/:run/trials': z.strictObject({
    from: number.optional(),
    limit: number.pipe(z.number().min(1).max(mostTrials)).optional(),
  }),
  '/api/runs/:run/texts': z
    .strictObject({ from: number, to: number })
    .refine(({ from, to }) => to >= from && to - from <= mostTexts, `from .. to holds at most ${mostTexts} trials`),
  '/api/runs/:run/curves': z.strictObject({ trials: list(number, 1, mostCurves) }),
  '/api/runs/:run/trials/:trial': z.strictObject({ precision: z.enum(storedPrecisions).optional() }),
  '/api/runs/:run/hypervolume': nothing,
  '/api/runs/:run/importance': nothing,
  '/api/runs/:run/timeline': nothing,
  '/api/runs/:run/resources': nothing,
  '/api/runs/:run/space': nothing,
  '/api/runs/:run/predictions': nothing,
  '/api/compare': z.strictObject({ runs: list(z.string(), 2, 6) }),
};

export const streamSchemas: { readonly [A in keyof Streams]: z.ZodType<StreamQueries[A]> } = {
  '/api/live': nothing,
  '/api/runs/:run/live': z.strictObject({ after: number.optional() }),
};

/** Of the names of a decision and its choice. */
const mostLetters = 200;

/** A name of the user's: one line. */
const line = (most: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(most)
    .regex(/^\P{Cc}*$/u, 'expected one line');

export const bodySchemas: { readonly [A in keyof Actions]: z.ZodType<Actions[A]['body']> } = {
  '/api/runs/:run/stop': nothing,
  '/api/runs/:run/enqueue': z.strictObject({
    choices: z.record(z.string().max(mostLetters), z.union([z.string().max(mostLetters), z.number(), z.boolean()])),
    name: line(100).optional(),
  }),
  '/api/runs/:run/note': noteChange,
};

const parsed = <T>(schema: z.ZodType<T>, value: unknown, what: string): T => {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
  throw new Refusal(400, `${what} is invalid: ${problems.join('; ')}`);
};

/** Parses the query string. @throws Refusal when it does not match the schema. */
export const parseQuery = <T>(schema: z.ZodType<T>, { query }: { readonly query: unknown }): T =>
  parsed(schema, query, 'the query');

/** Parses the JSON of a POST. @throws Refusal when it does not match the schema. */
export const parseBody = <T>(schema: z.ZodType<T>, { body }: { readonly body: unknown }): T =>
  parsed(schema, body, 'the request');

/** @throws Refusal when it is not a number. */
export const parseTrial = (text: string | undefined): number => parsed(number, text, 'the trial number');

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
