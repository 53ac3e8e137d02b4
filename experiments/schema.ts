import { z } from 'zod';
import { latencySchema } from '../latency-models/index.js';
import { objectiveSchema, searchSchema } from '../search/index.js';
import { spaceSchema } from '../spaces/index.js';
import { dataSchema, engineSchema, finalSchema, teacherSchema, trainSchema } from '../trainers/index.js';

/** Lets `key: word` stand for `key: {type: word}`. */
const typed = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === 'string' ? { type: value } : value), schema);

/** What the objectives list defaults to: accuracy against latency on the device. */
const defaultObjectives: z.input<typeof objectiveSchema>[] = [
  { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
  { name: 'latency_ms', direction: 'minimize', cost: 'cheap' },
];

/** An experiment file. Every folder owns the schema of its own part. */
export const experimentSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][\w.-]*$/, 'may hold letters, digits, dots, dashes and underscores'),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  data: typed(dataSchema),
  space: typed(spaceSchema),
  teacher: typed(teacherSchema).prefault({ type: 'none' }),
  train: trainSchema.prefault({}),
  latency: latencySchema.prefault({}),
  objectives: z.array(objectiveSchema).min(1).default(defaultObjectives),
  search: searchSchema.prefault({}),
  final: finalSchema.optional(),
  engine: typed(engineSchema).prefault({}),
});

/** A parsed experiment with every default filled in. */
export type Experiment = z.output<typeof experimentSchema>;
