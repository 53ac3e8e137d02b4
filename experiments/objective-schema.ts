import { z } from 'zod';
import type { Objective } from '../search/index.js';
import { measures, objectiveOf, type MeasureName } from './measures.js';

/** Other names that people write for an objective. */
const aliases = { latency: 'latency_ms' } as const satisfies Record<string, MeasureName>;

const writtenNames = [...Object.keys(measures), ...Object.keys(aliases)] as (MeasureName | keyof typeof aliases)[];

/** The objective that a written name means. */
const objectiveNamed = (name: (typeof writtenNames)[number]): MeasureName =>
  name in aliases ? aliases[name as keyof typeof aliases] : (name as MeasureName);

export const direction = z.enum(['maximize', 'minimize']);

export const constraint = z
  .strictObject({
    min: z.number().optional().describe('smallest value that is allowed'),
    max: z.number().optional().describe('largest value that is allowed'),
  })
  .refine(({ min, max }) => min !== undefined || max !== undefined, 'needs min, max or both')
  .optional()
  .describe('bounds that every trial must keep');

/** One entry of `objectives:`; a word stands for its name, and direction and cost default to what the name means. */
export const objectiveEntrySchema = z.preprocess(
  (value) => (typeof value === 'string' ? { name: value } : value),
  z
    .strictObject({
      name: z.enum(writtenNames).describe('what is optimised'),
      direction: direction.optional().describe('by default what the name means'),
      cost: z
        .enum(['cheap', 'untrained', 'expensive'])
        .optional()
        .describe(
          'cheap: known of every candidate, so candidates are judged by it first; untrained: measured of each trial before it is trained; expensive: known after training; by default what the name means',
        ),
      constraint,
    })
    .transform((entry): Objective & { readonly name: MeasureName } => {
      const name = objectiveNamed(entry.name);
      const { direction, cost } = objectiveOf(name);
      return {
        name,
        direction: entry.direction ?? direction,
        cost: entry.cost ?? cost,
        ...(entry.constraint === undefined ? {} : { constraint: entry.constraint }),
      };
    }),
);

/** An objective whose values are in a column of a table. */
export type TableObjective = Objective & { readonly column: string };

/** One entry of `objectives:` of a search in a table of results. */
export const tableObjectiveSchema = z
  .strictObject({
    name: z.string().min(1).describe('names the objective in results and pictures; free'),
    column: z.string().min(1).optional().describe('column with its values; by default the one with its name'),
    direction: direction.describe('what is better: large values or small ones'),
    cost: z
      .enum(['cheap', 'expensive'])
      .default('expensive')
      .describe('cheap: controllers know it of every network before they evaluate it; expensive: only after it'),
    constraint,
  })
  .transform(({ constraint: bounds, ...entry }): TableObjective => ({
    ...entry,
    column: entry.column ?? entry.name,
    ...(bounds === undefined ? {} : { constraint: bounds }),
  }));
