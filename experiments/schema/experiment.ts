import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { latencySchema } from '../../latency-models/index.js';
import { searchSchema, withTrials, type Objective, type SearchConfig } from '../../search/index.js';
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
  completeTraining,
  type DatasetInfo,
  dataDefaults,
  overTraining,
  lossSchema,
  trainKeys,
} from '../../trainers/index.js';
import { compressSchema } from './compress.js';
import { logSchema } from './log.js';
import { workersSchema } from './workers.js';
import { commonShape, searchText, typed } from './common.js';
import { constraintsSchema, coreOf, limitsOf } from './constraints.js';
import type { ExperimentKind } from './kind.js';
import { accuracyOf, evaluations, objectiveOf, taskOf, type Evaluation, shortNames } from './measures.js';
import { evaluateSchema, objectiveEntrySchema, tableObjectiveSchema } from './search-settings.js';
import { studySchema } from './study.js';

const supernetKey = supernetSchema.extend({
  from: z
    .string()
    .min(1)
    .optional()
    .describe('workdir of a run whose trained supernet is used: same space, data and splits; its settings apply'),
});

const evaluateKey = z
  .enum(evaluations)
  .optional()
  .describe(
    'how candidates are evaluated. train: training from scratch; inherit: training from the slice of the supernet (the default with a supernet); supernet: the slice as it is, with calibrated batch norm, without training',
  );

/** Fewer training and validation images than this leave so few to validate that an accuracy is known to some points only. */
export const fewImages = 1000;
/** Folds of the cross-validation on few images: each training has 80 % of them. */
export const foldsOfFew = 5;

/** Number of folds of the final training's cross-validation; null: there is none. */
export function foldsOf(
  { folds }: Pick<TrainingExperiment, 'folds'>,
  { train, validation }: DatasetInfo['counts'],
): number | null {
  if (folds !== 'auto') return folds ?? null;
  return train + validation < fewImages ? foldsOfFew : null;
}

/** Initial weights of a training. */
const initialisations = ['supernet', 'weights', 'nothing'] as const;
export type Initialisation = (typeof initialisations)[number];

/** Initialisation of the search's trainings. In runs with a supernet, given weights initialise the supernet. */
export function searchInitialisation({
  search,
  initial,
}: Pick<TrainingExperiment, 'search' | 'initial'>): Initialisation {
  if (search.evaluate !== 'train') return 'supernet';
  return initial === undefined ? 'nothing' : 'weights';
}

/** Whether the final training would only repeat the training of the search: it starts from the same weights and has no more epochs. */
export const finalRepeatsSearch = (
  experiment: Pick<TrainingExperiment, 'search' | 'initial' | 'train' | 'final' | 'evaluate'>,
): boolean => {
  const { search, train, final, evaluate } = experiment;
  if (final === null || evaluate !== undefined || search.evaluate === 'supernet') return false;
  return final.from === searchInitialisation(experiment) && final.epochs <= train.epochs;
};

/** Initialisation of the final training. */
const fromKey = z
  .enum(initialisations)
  .optional()
  .describe(
    "what the networks' weights are at first: slices of the supernet (the default with one), those of train.from (the default with it), or random",
  );

/** Who teaches the final trainings of an experiment without a teacher. */
const finalTeachers = ['frontier', 'none'] as const;
export type FinalTeacher = (typeof finalTeachers)[number];

const finalTeacherKey = z
  .enum(finalTeachers)
  .optional()
  .describe(
    'who teaches the final trainings where there is no teacher. frontier: the most accurate networks of the search train first, by the labels, as many as train at once; the best of them then teaches all others. none: all learn from the labels. By default frontier for classes, or none beside folds or a written loss',
  );

/** The default of `final.teacher`. @param isLossWritten whether `train.loss` or `final.loss` is written */
export const defaultFinalTeacher = (
  { data, teacher, folds }: Pick<TrainingExperiment, 'data' | 'teacher' | 'folds'>,
  isLossWritten: boolean,
): FinalTeacher =>
  teacher.type === 'none' && taskOf(data) === 'classification' && folds === undefined && !isLossWritten
    ? 'frontier'
    : 'none';

/** Cross-validation of the final training. */
const foldsKey = z
  .union([z.literal('auto'), z.number().int().min(2).max(20)])
  .optional()
  .describe(
    `k-fold cross-validation of the frontier's networks: each is also trained on k other splits of the training and validation images, never the test, and its mean accuracy with standard error decides the final frontier. auto: ${foldsOfFew} where there are fewer than ${fewImages} such images, else none; without it, none. The saved weights are those of the usual split`,
  );

const weightsKey = z
  .string()
  .min(1)
  .optional()
  .describe(
    'trained weights to start from: a model.onnx or model.json of nas export, the weights.bin of a run, or an ONNX file or TF.js layers model of another program, whose blocks are matched with the stages by structure. Layers are matched by stage and position, and larger ones are sliced; smaller ones of another program are grown without changing what they compute. Missing layers and a head for other classes start from random weights. With a supernet, they initialise the supernet',
  );

/** A training experiment as written. Each folder defines the schema of its part. */
const writtenSchema = z.strictObject({
  ...commonShape,
  data: typed(dataSchema).describe('the data set'),
  space: typed(spaceSchema).describe('the search space'),
  teacher: typed(teacherSchema).prefault({ type: 'none' }).describe('teacher for distillation'),
  train: trainKeys.extend({ from: weightsKey }).prefault({}).describe('training of each candidate'),
  supernet: supernetKey
    .optional()
    .describe(
      'trains all networks of the space with shared weights before the search; missing keys default to those of train (optimizer, loss and augment as a whole)',
    ),
  evaluate: evaluateSchema.optional(),
  latency: latencySchema.prefault({}).describe('device and limit of latency'),
  compress: compressSchema.prefault({}).describe('int8 quantization of trained candidates, and when it is accepted'),
  objectives: z
    .array(objectiveEntrySchema)
    .min(1)
    .optional()
    .describe(
      'objectives; charts show the first two. By default accuracy (map for multi-label data, r2 for numbers, ap50 for boxes) and latency_ms',
    ),
  constraints: constraintsSchema
    .optional()
    .describe('limits of memory; candidates beyond them are never trained, and they are no objectives'),
  search: searchSchema.extend({ evaluate: evaluateKey }).prefault({}).describe(searchText),
  final: z
    .union([z.literal('none'), finalSchema.extend({ from: fromKey, teacher: finalTeacherKey, folds: foldsKey })])
    .optional()
    .describe(
      "how the frontier's networks are trained again; a key that is left out keeps its value of train (optimizer, loss and augment as a whole); none, or without final: they are kept as searched. Where search.evaluate is supernet, leaving it out trains them as train says, from the supernet, and none keeps slices",
    ),
  budget: z
    .strictObject({
      minutes: z
        .number()
        .gt(0)
        .describe(
          'minutes of work in which the whole run ends on this machine, over all resumes. Trials, the length of trainings, final trainings and the minutes of a teacher that are not written follow from them: networks are trained for seconds first, and the number of trials and the length of final trainings follow the pace of the run',
        ),
    })
    .optional()
    .describe('the time that the run may take'),
  engine: typed(engineSchema).prefault({}).describe('backend of the training step'),
  workers: typed(workersSchema).prefault({ type: 'pool' }).describe('processes of this machine, or workers of a queue'),
  log: logSchema,
});

/** As written, with defaults. */
type ParsedExperiment = z.output<typeof writtenSchema>;

/** The default loss: distillation when there is a teacher. */
const defaultLoss = (teacher: ParsedExperiment['teacher']): NonNullable<TrainConfig['loss']> =>
  lossSchema.parse({ type: teacher.type === 'none' ? 'cross-entropy' : 'kd' });

/** Adds `latency.budget_ms` as a `max` constraint of the objective `latency_ms`. */
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

/** More parallel trials would delay results for the controller, and need memory each. */
const mostWorkers = 8;

/** Small networks train fastest with one core each: threads of one step wait for each other at every operator. */
const defaultWorkers = ({ threads = 1 }: ParsedExperiment['engine']): number =>
  Math.max(1, Math.min(mostWorkers, Math.floor(availableParallelism() / threads)));

/** Settings of the run's own supernet, or the run that trained it. */
export type SupernetSettings = SupernetConfig | { readonly from: string };

type FinalConfig = TrainConfig & { readonly from: Initialisation; readonly teacher: FinalTeacher };

/**
 * Renames the main score (`accuracy`, `map`, `r2`, or `f1` of centroids) to the kind that the run finds. The default objectives are it
 * and the latency.
 */
function withAccuracy(
  { data, objectives }: Pick<ParsedExperiment, 'data' | 'objectives'>,
  evaluation: Evaluation,
): readonly Objective[] {
  const task = taskOf(data);
  const [plain, found] = (['train', evaluation] as const).map((one) => accuracyOf(one, task));
  const given = objectives ?? [objectiveOf(plain), objectiveOf('latency_ms')];
  return given.map((objective) =>
    [plain, shortNames[task]].includes(objective.name) ? { ...objective, name: found } : objective,
  );
}

function supernetOf({ from, ...own }: NonNullable<ParsedExperiment['supernet']>, train: TrainConfig): SupernetSettings {
  return from === undefined ? supernetConfig(train, own) : { from };
}

const finalEpochs = 20;

/** The settings of the final training without its cross-validation, and that. */
function separated(written: ParsedExperiment['final']) {
  if (written === undefined || written === 'none') return { final: written };
  const { folds, ...final } = written;
  return { final, folds };
}

/** Settings of the final training; null without one. */
function finalOf(
  { data, supernet, teacher, train: written }: Pick<ParsedExperiment, 'data' | 'supernet' | 'teacher' | 'train'>,
  { final, folds }: ReturnType<typeof separated>,
  train: TrainConfig,
  evaluation: Evaluation,
): FinalConfig | null {
  const { from: weights, loss } = written;
  const isTraining = final !== undefined && final !== 'none';
  const isLossWritten = loss !== undefined || (isTraining && final.loss !== undefined);
  const usual = defaultFinalTeacher({ data, teacher, folds }, isLossWritten);
  const otherwise = weights === undefined ? 'nothing' : 'weights';
  const from = supernet === undefined ? otherwise : 'supernet';
  if (final === undefined) return evaluation === 'supernet' ? { ...train, from, teacher: usual } : null;
  if (final === 'none') return null;
  const { from: begun = from, teacher: own = usual, ...keys } = final;
  return { ...overTraining(train, keys, finalEpochs, dataDefaults(data)), from: begun, teacher: own };
}

/**
 * A training experiment. The output resolves all defaults: loss, latency budget as an objective, `constraints` as `limits` and, where instructions are counted, `core`, kind of accuracy, number of
 * workers, complete settings of `supernet` and `final` (null without a final training), `train.from` as `initial`, and `final.folds`
 * as `folds`.
 */
const trainingSchema = writtenSchema.transform(({ final: writtenFinal, supernet, constraints, ...written }) => {
  const separate = separated(writtenFinal);
  const { folds } = separate;
  const { from: initial, ...config } = written.train;
  const loss = config.loss ?? defaultLoss(written.teacher);
  const train = completeTraining({ ...config, loss }, dataDefaults(written.data));
  const evaluate: Evaluation = written.search.evaluate ?? (supernet === undefined ? 'train' : 'inherit');
  const wanted = [...withAccuracy(written, evaluate), ...(written.evaluate?.objectives ?? [])];
  const objectives = withBudget(wanted, written.latency.budget_ms);
  const parallel = written.search.parallel ?? defaultWorkers(written.engine);
  const search = { ...withTrials(written.search), parallel, evaluate };
  const given = {
    ...(supernet !== undefined && { supernet: supernetOf(supernet, train) }),
    ...(initial !== undefined && { initial }),
    ...(folds !== undefined && { folds }),
    ...(constraints !== undefined && { limits: limitsOf(constraints) }),
    ...(objectives.some(({ name }) => name === 'instructions') && { core: coreOf(constraints) }),
  };
  return {
    ...written,
    ...given,
    train,
    objectives,
    search,
    final: finalOf({ ...written, supernet }, separate, train, evaluate),
  };
});

/** The settings of a search whose evaluations are looked up: they are whole, and no worker dies. */
const tableSearch: Pick<SearchConfig, 'fidelity' | 'retries'> = { fidelity: { type: 'none' }, retries: 0 };

/** An experiment on a table of results. */
const tableExperimentSchema = z
  .strictObject({
    ...commonShape,
    space: tableSchema.describe('the table, and its decision columns'),
    objectives: z.array(tableObjectiveSchema).min(1).describe('columns to optimise; charts show the first two'),
    search: searchSchema.omit({ fidelity: true, retries: true }).prefault({}).describe(searchText),
    log: logSchema,
  })
  .transform((written) => ({
    ...written,
    search: { ...withTrials(written.search), ...tableSearch, parallel: written.search.parallel ?? 1 },
  }));

/** A training experiment with all defaults; plain data. */
export type TrainingExperiment = Readonly<z.output<typeof trainingSchema>>;

/** An experiment on a table of results, with all defaults; plain data. */
export type TableExperiment = Readonly<z.output<typeof tableExperimentSchema>>;

/** An experiment whose candidates a program of the user evaluates, with all defaults; plain data. */
export type StudyExperiment = Readonly<z.output<typeof studySchema>>;

export type Experiment = TrainingExperiment | TableExperiment | StudyExperiment;

export const experimentSchemas = {
  training: trainingSchema,
  table: tableExperimentSchema,
  study: studySchema,
} as const satisfies { readonly [K in ExperimentKind]: z.ZodType };

type DeepReadonly<T> = { readonly [K in keyof T]: DeepReadonly<T[K]> };

/** An experiment as it is written in a file, without defaults. */
export type WrittenExperiment = {
  readonly [K in ExperimentKind]: DeepReadonly<z.input<(typeof experimentSchemas)[K]>>;
}[ExperimentKind];
