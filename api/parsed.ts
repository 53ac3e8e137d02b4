import { z } from 'zod';
import { invalidInput } from '../base/errors.js';

/**
 * A value of the user's, with its defaults.
 * @param what names it in the error
 * @throws NasError `invalid-input` with every mistake
 */
export function parsed<T extends z.ZodType>(what: string, schema: T, value: z.input<T>): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidInput(`${what}: ${z.prettifyError(result.error)}`);
}
