import { z } from 'zod';
import type { Objective } from '../search/index.js';
import { objectiveKinds, type ObjectiveName } from './objectives.js';

/** Other names that people write for an objective. */
const aliases = { latency: 'latency_ms' } as const satisfies Record<string, ObjectiveName>;

const writtenNames = [...Object.keys(objectiveKinds), ...Object.keys(aliases)] as (
  ObjectiveName | keyof typeof aliases
)[];

/** The objective that a written name means. */
const objectiveNamed = (name: (typeof writtenNames)[number]): ObjectiveName =>
  name in aliases ? aliases[name as keyof typeof aliases] : (name as ObjectiveName);

const constraintSchema = z
  .strictObject({
    min: z.number().optional().describe('smallest value that is allowed'),
    max: z.number().optional().describe('largest value that is allowed'),
  })
  .refine(({ min, max }) => min !== undefined || max !== undefined, 'needs min, max or both');

/** One entry of `objectives:`; a word stands for its name, and direction and cost default to what the name means. */
export const objectiveEntrySchema = z.preprocess(
  (value) => (typeof value === 'string' ? { name: value } : value),
  z
    .strictObject({
      name: z.enum(writtenNames).describe('what is optimised'),
      direction: z.enum(['maximize', 'minimize']).optional().describe('by default what the name means'),
      cost: z
        .enum(['cheap', 'expensive'])
        .optional()
        .describe('cheap: known before training, so candidates are judged by it first; expensive: known after it'),
      constraint: constraintSchema.optional().describe('bounds that every trial must keep'),
    })
    .transform(({ name: written, direction, cost, constraint }): Objective & { readonly name: ObjectiveName } => {
      const name = objectiveNamed(written);
      const kind = objectiveKinds[name];
      return {
        name,
        direction: direction ?? kind.direction,
        cost: cost ?? kind.cost,
        ...(constraint === undefined ? {} : { constraint }),
      };
    }),
);
