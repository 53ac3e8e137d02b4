import { z } from 'zod';
import { latencySchema } from '../latency-models/index.js';
import { searchSchema, type Objective } from '../search/index.js';
import { spaceSchema } from '../spaces/index.js';
import {
  dataSchema,
  engineSchema,
  finalSchema,
  teacherSchema,
  trainSchema,
  type TrainConfig,
} from '../trainers/index.js';
import { objectiveEntrySchema } from './objective-schema.js';

/** Lets `key: word` stand for `key: {type: word}`. */
const typed = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === 'string' ? { type: value } : value), schema);

/** An experiment file as it is written. Every folder owns the schema of its own part. */
const writtenSchema = z.strictObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][\w.-]*$/,
      'may hold letters, digits, dots, dashes and underscores, and begins with a letter or digit',
    )
    .describe('names the run; its results go to runs/<name>'),
  seed: z
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .default(0)
    .describe('everything random follows from it: same seed, same result'),
  data: typed(dataSchema).describe('where the images come from'),
  space: typed(spaceSchema).describe('which networks are searched'),
  teacher: typed(teacherSchema).prefault({ type: 'none' }).describe('whom the candidates learn from'),
  train: trainSchema.prefault({}).describe('how each candidate is trained'),
  latency: latencySchema.prefault({}).describe('where latency is measured, and its hard limit'),
  objectives: z
    .array(objectiveEntrySchema)
    .min(1)
    .prefault(['accuracy', 'latency_ms'])
    .describe('what is optimised; the first two span the pictures'),
  search: searchSchema.prefault({}).describe('which candidates are tried, how many, and how many at once'),
  final: finalSchema
    .optional()
    .describe(
      "how the frontier's networks are trained again; a key that is left out keeps its value of train (optimizer, loss and augment as a whole); without final they are kept as searched",
    ),
  engine: typed(engineSchema).prefault({}).describe('what runs the training step'),
});

/** As written, with every default filled in. */
export type WrittenExperiment = z.output<typeof writtenSchema>;

/** Without a loss of its own, training distils when there is a teacher. */
const defaultLoss = (teacher: WrittenExperiment['teacher']): NonNullable<TrainConfig['loss']> =>
  trainSchema.shape.loss.unwrap().parse({ type: teacher.type === 'none' ? 'cross-entropy' : 'kd' });

/** `latency.budget_ms` as what it stands for: a `max` constraint on `latency_ms`, an objective from then on. */
function withBudget(objectives: readonly Objective[], budget: number | undefined): readonly Objective[] {
  if (budget === undefined) return objectives;
  const others = objectives.filter(({ name }) => name !== 'latency_ms');
  const latency: Objective = objectives.find(({ name }) => name === 'latency_ms') ?? {
    name: 'latency_ms',
    direction: 'minimize',
    cost: 'cheap',
  };
  const max = Math.min(budget, latency.constraint?.max ?? Infinity);
  const constrained = { ...latency, constraint: { ...latency.constraint, max } };
  return others.length === objectives.length
    ? [...objectives, constrained]
    : objectives.map((objective) => (objective === latency ? constrained : objective));
}

/**
 * An experiment file; its output has everything that follows from what is written: the loss, the latency budget among
 * the objectives, and `final` as a whole training configuration (null when there is no final training).
 */
export const experimentSchema = writtenSchema.transform(({ final, ...written }) => {
  const train: TrainConfig = { ...written.train, loss: written.train.loss ?? defaultLoss(written.teacher) };
  const objectives = withBudget(written.objectives, written.latency.budget_ms);
  return { ...written, train, objectives, final: final === undefined ? null : { ...train, ...final } };
});

/** A parsed experiment with every default filled in; plain data. */
export type Experiment = Readonly<z.output<typeof experimentSchema>>;
