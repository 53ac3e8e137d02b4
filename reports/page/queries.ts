/** What requests may carry: the schemas of their queries and bodies. `api.ts` derives their types. */
import { z } from 'zod';
import { noteChange } from '../../runner/stored/notes.js';
import { storedPrecisions } from '../../store/index.js';

/** Digits: an empty text and `0x7` are numbers to JavaScript. */
export const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'expected a whole number')
  .transform(Number);

/** A parameter that may be repeated: `runs=a&runs=b`. */
const list = <T extends z.ZodType>(item: T, least: number, most: number) =>
  z.preprocess(
    (value): unknown => (Array.isArray(value) ? value : [value]),
    z.array(item).min(least).max(most).readonly(),
  );

const mostTrials = 5000;
const mostTexts = 1000;
const mostCurves = 500;

export const nothing = z.strictObject({});

/** Queries of GET, by address; all other addresses take none. */
export const querySchemas = {
  /** Trials from a number on; the server may return fewer. */
  '/api/runs/:run/trials': z.strictObject({
    from: wholeNumber.optional(),
    limit: wholeNumber.pipe(z.number().min(1).max(mostTrials)).optional(),
  }),
  /** Trials from `from` to `to`, exclusive. */
  '/api/runs/:run/texts': z
    .strictObject({ from: wholeNumber, to: wholeNumber })
    .refine(({ from, to }) => to >= from && to - from <= mostTexts, `from .. to holds at most ${mostTexts} trials`),
  '/api/runs/:run/curves': z.strictObject({ trials: list(wholeNumber, 1, mostCurves) }),
  '/api/runs/:run/trials/:trial': z.strictObject({ precision: z.enum(storedPrecisions).optional() }),
  '/api/compare': z.strictObject({ runs: list(z.string(), 2, 6) }),
  '/api/runs/:run/live': z.strictObject({ after: wholeNumber.optional() }),
} as const;

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

/** JSON bodies of POST, by address. */
export const bodySchemas = {
  '/api/runs/:run/stop': nothing,
  '/api/runs/:run/enqueue': z.strictObject({
    choices: z.record(z.string().max(mostLetters), z.union([z.string().max(mostLetters), z.number(), z.boolean()])),
    name: line(100).optional(),
  }),
  '/api/runs/:run/note': noteChange,
} as const;
