import { z } from 'zod';
import type { Choice } from './genotype.js';

type Issue = z.core.$ZodIssue;

/** The complaint of the branch that the user meant: a list's when a list was given, otherwise a single value's. */
function meantError({ errors, input }: { errors: readonly (readonly Issue[])[]; input: unknown }): string {
  const [issue] = errors[Array.isArray(input) ? 1 : 0];
  const where = issue.path.map((key) => `[${String(key)}]`).join('');
  return `${where}${where === '' ? '' : ': '}${issue.message}${Array.isArray(input) ? '' : ', or a list of such choices'}`;
}

const order = (a: Choice, b: Choice): number => (typeof a === 'number' && typeof b === 'number' ? a - b : 0);

/**
 * One value or a list of choices, given as a list: numbers ascending, everything else in the order written. An empty
 * list and a choice that is listed twice are errors.
 */
export function choices<T extends z.ZodType<Choice>>(item: T) {
  return z
    .union([item, z.array(item).min(1, 'needs at least one choice')], {
      error: ({ errors, input }) => meantError({ errors, input }),
    })
    .superRefine((value, context) => {
      const list: readonly unknown[] = Array.isArray(value) ? value : [];
      const twice = list.find((choice, i) => list.indexOf(choice) !== i);
      if (twice !== undefined) context.addIssue(`lists the choice ${JSON.stringify(twice)} twice`);
    })
    .transform((value): readonly z.output<T>[] => (Array.isArray(value) ? [...value].sort(order) : [value]));
}
