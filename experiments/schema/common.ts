import { z } from 'zod';

type TypeOf<T> = T extends { type: infer Word } ? Word : never;

/** Accepts `key: word` for `key: {type: word}`. */
export const typed = <T extends z.ZodType>(schema: T) =>
  z.preprocess(
    (value: z.input<T> | TypeOf<z.input<T>>) => (typeof value === 'string' ? { type: value } : value),
    schema,
  );

/** Keys of all experiments. */
export const commonShape = {
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][\w.-]*$/,
      'may hold letters, digits, dots, dashes and underscores, and begins with a letter or digit',
    )
    .describe('name of the run; results go to runs/<name>'),
  seed: z
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .default(0)
    .describe('seed of all randomness: same seed, same result'),
};

export const searchText = 'controller, number of trials, and parallel trials';
