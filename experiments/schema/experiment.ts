import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { latencySchema } from '../../latency-models/index.js';
import { searchSchema, withTrials, type Objective } from '../../search/index.js';
import { spaceSchema, tableSchema } from '../../spaces/index.js';
import {
  dataSchema,
  engineSchema,
  finalSchema,
  supernetConfig,
  type SupernetConfig,
  supernetSchema,
  teacherSchema,
  type TrainConfig,
  trainSchema,
} from '../../trainers/index.js';
import { compressSchema } from '../compress/index.js';
import {
  evaluateSchema,
  featuresSchema,
  filterSchema,
  objectiveEntrySchema,
  tableObjectiveSchema,
} from './search-settings.js';
import { accuracyOf, evaluations, objectiveOf, type Evaluation } from './measures.js';
import { workersSchema } from '../queue/schema.js';

/** Lets `key: word` stand for `key: {type: word}`. */
const typed = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (typeof value === 'string' ? { type: value } : value), schema);

/** Keys that every experiment has. */
const commonShape = {
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
};

const supernetKey = supernetSchema.extend({
  from: z
    .string()
    .min(1)
    .optional()
    .describe(
      'workdir of a run whose supernet is taken instead of training one: the same space, data and splits; its configuration comes with it',
    ),
});

const evaluateKey = z
  .enum(evaluations)
  .optional()
  .describe(
    'how a candidate comes to its accuracy. inherit: it begins with its slice of the supernet and is trained as train says (the default with a supernet); supernet: its slice as it is, batch norm calibrated, nothing is trained; train: from nothing',
  );

/** What a training's weights are at first. */
const beginnings = ['supernet', 'weights', 'nothing'] as const;
export type Beginning = (typeof beginnings)[number];

/** What the trainings of a search begin with: what is given to a run with a supernet, the supernet begins with. */
export function searchBeginning({ search, initial }: Pick<TrainingExperiment, 'search' | 'initial'>): Beginning {
  if (search.evaluate !== 'train') return 'supernet';
  return initial === undefined ? 'nothing' : 'weights';
}

/** Whether the final training can come to nothing that the search has not: it begins as that did, and is no longer. */
export const finalRepeatsSearch = (
  experiment: Pick<TrainingExperiment, 'search' | 'initial' | 'train' | 'final' | 'evaluate'>,
): boolean => {
  const { search, train, final, evaluate } = experiment;
  if (final === null || evaluate !== undefined || search.evaluate === 'supernet') return false;
  return final.from === searchBeginning(experiment) && final.epochs <= train.epochs;
};

/** What the final training begins with. */
const fromKey = z
  .enum(beginnings)
  .optional()
  .describe(
    "what the networks' weights are at first: slices of the supernet (the default with one), those of train.from (the default with it), or random",
  );

const weightsKey = z
  .string()
  .min(1)
  .optional()
  .describe(
    'trained weights to start from: a model.onnx or model.json that nas export wrote, or the weights.bin of a run. They are taken by stage and position, larger ones in part; what is missing starts afresh, and so does a head for other classes. With a supernet, it is the one that starts from them',
  );

const searchText = 'which candidates are tried, how many, and how many at once';

/** An experiment that trains, as it is written. Every folder owns the schema of its own part. */
const writtenSchema = z.strictObject({
  ...commonShape,
  data: typed(dataSchema).describe('where the images come from'),
  space: typed(spaceSchema).describe('which networks are searched'),
  teacher: typed(teacherSchema).prefault({ type: 'none' }).describe('whom the candidates learn from'),
  train: trainSchema.extend({ from: weightsKey }).prefault({}).describe('how each candidate is trained'),
  supernet: supernetKey
    .optional()
    .describe(
      'trains all networks of the space at once, in shared weights, before the search; a key that is left out keeps its value of train (optimizer, loss and augment as a whole)',
    ),
  evaluate: evaluateSchema.optional(),
  latency: latencySchema.prefault({}).describe('where latency is measured, and its hard limit'),
  compress: compressSchema
    .prefault({})
    .describe('whether a trained network is also a candidate with eight-bit integers, and when it counts as one'),
  objectives: z
    .array(objectiveEntrySchema)
    .min(1)
    .prefault(['accuracy', 'latency_ms'])
    .describe('what is optimised; the first two span the pictures'),
  search: searchSchema
    .extend({ evaluate: evaluateKey, filter: filterSchema, features: featuresSchema })
    .prefault({})
    .describe(searchText),
  final: z
    .union([z.literal('none'), finalSchema.extend({ from: fromKey })])
    .optional()
    .describe(
      "how the frontier's networks are trained again; a key that is left out keeps its value of train (optimizer, loss and augment as a whole); none, or without final: they are kept as searched. Where search.evaluate is supernet, leaving it out trains them as train says, from the supernet, and none keeps slices",
    ),
  engine: typed(engineSchema).prefault({}).describe('what runs the training step'),
  workers: typed(workersSchema).prefault({ type: 'pool' }).describe('who does the work'),
});

/** As written, with every default filled in. */
type WrittenExperiment = z.output<typeof writtenSchema>;

/** Without a loss of its own, training distils when there is a teacher. */
const defaultLoss = (teacher: WrittenExperiment['teacher']): NonNullable<TrainConfig['loss']> =>
  trainSchema.shape.loss.unwrap().parse({ type: teacher.type === 'none' ? 'cross-entropy' : 'kd' });

/** `latency.budget_ms` as what it stands for: a `max` constraint on `latency_ms`, an objective from then on. */
function withBudget(objectives: readonly Objective[], budget: number | undefined): readonly Objective[] {
  if (budget === undefined) return objectives;
  const others = objectives.filter(({ name }) => name !== 'latency_ms');
  const latency: Objective = objectives.find(({ name }) => name === 'latency_ms') ?? objectiveOf('latency_ms');
  const max = Math.min(budget, latency.constraint?.max ?? Infinity);
  const constrained = { ...latency, constraint: { ...latency.constraint, max } };
  return others.length === objectives.length
    ? [...objectives, constrained]
    : objectives.map((objective) => (objective === latency ? constrained : objective));
}

/** More trials at once would leave the controller too far behind its results, and need memory for each. */
const mostWorkers = 8;

/** Small networks train fastest one to a core: threads that share a step wait for each other at every operator. */
const defaultWorkers = ({ threads = 1 }: WrittenExperiment['engine']): number =>
  Math.max(1, Math.min(mostWorkers, Math.floor(availableParallelism() / threads)));

/** A supernet as a whole training configuration, or the run whose it is. */
export type SupernetSettings = SupernetConfig | { readonly from: string };

/** A final training as a whole configuration, and what it begins with. */
type FinalConfig = TrainConfig & { readonly from: Beginning };

/** The objective `accuracy` by the name of what the run finds. */
const withAccuracy = (objectives: readonly Objective[], evaluation: Evaluation): readonly Objective[] =>
  objectives.map((objective) =>
    objective.name === accuracyOf('train') ? { ...objective, name: accuracyOf(evaluation) } : objective,
  );

function supernetOf(
  { from, ...own }: NonNullable<WrittenExperiment['supernet']>,
  train: TrainConfig,
): SupernetSettings {
  return from === undefined ? supernetConfig(train, own) : { from };
}

/** What follows the search: a whole training configuration, or null. */
function finalOf(
  { final, supernet, train: { from: weights } }: Pick<WrittenExperiment, 'final' | 'supernet' | 'train'>,
  train: TrainConfig,
  evaluation: Evaluation,
): FinalConfig | null {
  const otherwise = weights === undefined ? 'nothing' : 'weights';
  const from = supernet === undefined ? otherwise : 'supernet';
  if (final === undefined) return evaluation === 'supernet' ? { ...train, from } : null;
  return final === 'none' ? null : { ...train, ...final, from: final.from ?? from };
}

/**
 * An experiment that trains; its output has everything that follows from what is written: the loss, the latency budget
 * among the objectives, which accuracy it finds, the workers of this machine, `supernet` and `final` as whole training
 * configurations (`final` is null when there is no final training), and `train.from` as `initial`, apart from what trainings
 * have in common.
 */
const trainingSchema = writtenSchema.transform(({ final, supernet, ...written }) => {
  const { from: initial, ...config } = written.train;
  const train: TrainConfig = { ...config, loss: config.loss ?? defaultLoss(written.teacher) };
  const evaluate: Evaluation = written.search.evaluate ?? (supernet === undefined ? 'train' : 'inherit');
  const wanted = [...withAccuracy(written.objectives, evaluate), ...(written.evaluate?.objectives ?? [])];
  const objectives = withBudget(wanted, written.latency.budget_ms);
  const parallel = written.search.parallel ?? defaultWorkers(written.engine);
  const search = { ...withTrials(written.search), parallel, evaluate };
  const given = {
    ...(supernet !== undefined && { supernet: supernetOf(supernet, train) }),
    ...(initial !== undefined && { initial }),
  };
  return {
    ...written,
    ...given,
    train,
    objectives,
    search,
    final: finalOf({ final, supernet, train: written.train }, train, evaluate),
  };
});

/** An experiment whose results are known: candidates are looked up in a table. */
const tableExperimentSchema = z
  .strictObject({
    ...commonShape,
    space: tableSchema.describe('the table, and which of its columns say what a network is'),
    objectives: z
      .array(tableObjectiveSchema)
      .min(1)
      .describe('which columns are optimised; the first two span the pictures'),
    search: searchSchema.prefault({}).describe(searchText),
  })
  .transform((written) => ({
    ...written,
    search: { ...withTrials(written.search), parallel: written.search.parallel ?? 1 },
  }));

/** An experiment that trains, with every default filled in; plain data. */
export type TrainingExperiment = Readonly<z.output<typeof trainingSchema>>;

/** An experiment on a table of results, with every default filled in; plain data. */
export type TableExperiment = Readonly<z.output<typeof tableExperimentSchema>>;

/** A parsed experiment. */
export type Experiment = TrainingExperiment | TableExperiment;

/** What an experiment file is: each kind has keys of its own. */
export const experimentSchemas = { training: trainingSchema, table: tableExperimentSchema } as const;

export type ExperimentKind = keyof typeof experimentSchemas;

/** Which kind an experiment file is, by what it writes as its space. */
export function kindOf({ space }: { readonly space?: unknown }): ExperimentKind {
  const type = typeof space === 'object' && space !== null && 'type' in space ? space.type : space;
  return type === 'table' ? 'table' : 'training';
}
