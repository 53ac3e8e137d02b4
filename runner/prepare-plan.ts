import { isBoxTask, isMapTask } from '../base/task.js';
import { requireQemu } from '../deploy/index.js';
import { invalidInput, NasError } from '../base/errors.js';
import { canonicalJson } from '../base/hash.js';
import { requireWorking } from '../compiler/index.js';
import { createSpace, inputSizes, type Task } from '../spaces/index.js';
import { TableDevice } from '../latency-models/index.js';
import type { Clock } from '../store/index.js';
import {
  absentFrom,
  addRenderings,
  checkTeacher,
  defaultAugment,
  describeDataset,
  epochImages,
  prepareDataset,
  type DataConfig,
  type DatasetInfo,
  type DatasetRef,
  type PrepareOptions,
  type Size,
  renderingOf,
  spaceTask,
  teacherBatch,
  teacherNetwork,
  teacherSchedule,
  type TrainConfig,
  withDataset,
  withStepsOn,
  type SingleTeacher,
} from '../trainers/index.js';
import { planInitial } from './initial-weights/index.js';
import { isOwnSupernet, isTableExperiment, isTrainingExperiment } from '../experiments/schema/run-experiment.js';
import { measureNamed } from '../experiments/schema/measures.js';
import type { Locating } from '../experiments/parse/index.js';
import {
  finalRepeatsSearch,
  foldsOf,
  type Experiment,
  type StudyExperiment,
  type TableExperiment,
  type TrainingExperiment,
} from '../experiments/schema/experiment.js';
import { loadResults } from './models/table-results.js';
import { engineOfRun, type EngineContext } from './engine.js';
import { Simulation } from './simulation.js';
import type { RunObserver } from './events.js';
import {
  preparationThreads,
  withWorkersFor,
  type Plan,
  type StudyPlan,
  type TablePlan,
  type TrainingPlan,
} from './plan.js';
import { checkTrainings, requireKnownProviders, trainings } from './start-checks.js';
import { planSupernet } from './trainings/supernet.js';

type TrainingKey = 'teacher' | 'train' | 'supernet' | 'final';

interface PlanContext extends EngineContext {
  readonly workdir: string;
  readonly threads: number;
  /** Whether the number of workers is the user's, or a resumed run's: then the engine does not change it. */
  readonly fixedWorkers: boolean;
  /** Whether the batch of a training is the user's, or a resumed run's; a default is reduced to the number of images. */
  readonly fixedBatch: (key: TrainingKey) => boolean;
  /** The latest recorded time of the run, at which a simulation goes on, in ms since 1970; absent: of a new run. */
  readonly latest?: number;
  /** Default: `Date.now`. */
  readonly clock?: Clock;
  readonly locating: Locating;
  readonly signal: AbortSignal;
  /** The converted images; absent: they are converted now. */
  readonly prepared?: DatasetRef | null;
}

/**
 * Prepares everything that a run needs to begin or to continue: data converted, space built, table read.
 * @throws NasError `invalid-input` for an engine that does not work here, bad data, an impossible space, a bad table.
 */
export function preparePlan(experiment: Experiment, context: PlanContext): Promise<Plan> {
  if (isTableExperiment(experiment)) return tablePlan(experiment, context);
  return isTrainingExperiment(experiment) ? trainingPlan(experiment, context) : studyPlan(experiment, context);
}

/** @throws NasError `invalid-input` for an impossible space */
export async function studyPlan(
  experiment: StudyExperiment,
  { workdir, locating, clock = Date.now }: Pick<PlanContext, 'workdir' | 'locating' | 'clock'>,
): Promise<StudyPlan> {
  const { input, classes } = experiment.evaluate;
  const task: Task = { input, classes };
  const space = await locating(['space'], () => createSpace(experiment.space, task));
  return { kind: 'study', experiment, workdir, task, space, clock };
}

async function tablePlan(
  experiment: TableExperiment,
  { workdir, latest, clock = Date.now, locating }: PlanContext,
): Promise<TablePlan> {
  const results = await loadResults(experiment, locating);
  const { space } = results.table;
  const simulation = new Simulation(latest ?? clock());
  return { kind: 'table', experiment, workdir, space, results, simulation, clock: simulation.now };
}

const preparing = (what: string, { observe, signal }: Pick<PlanContext, 'observe' | 'signal'>): PrepareOptions =>
  preparingData(`${what} (once; later runs use the cache)`, observe, signal);

/** Converts the images of a run, unless the cache has them. @throws NasError `invalid-input` as `prepareDataset` */
export const prepareImages = (
  data: DataConfig,
  context: Pick<PlanContext, 'locating' | 'observe' | 'signal'>,
): Promise<DatasetRef> =>
  context.locating(['data'], () => prepareDataset(data, preparing(`Converting ${data.type}`, context)));

async function trainingPlan(given: TrainingExperiment, context: PlanContext): Promise<TrainingPlan> {
  const { workdir, threads, fixedWorkers, fixedBatch, acceptEnvironment, locating, observe } = context;
  await requireKnownProviders(given, locating);
  const engine = await locating(['engine'], () => engineOfRun(given, context));
  const asked = fixedWorkers ? given : withWorkersFor(engine, given);
  const { device, from } = asked.latency;
  if (device.type === 'local' && from === undefined)
    await locating(['latency', 'device'], () => requireWorking(device.provider));
  if (asked.core !== undefined) await locating(['objectives'], requireQemu);
  const prepared = context.prepared ?? (await prepareImages(asked.data, context));
  const data = describeDataset(prepared);
  const absent = await withDataset(prepared, (open) =>
    Promise.resolve({
      train: absentFrom(open, 'train'),
      validation: absentFrom(open, 'validation'),
      test: absentFrom(open, 'test'),
    }),
  );
  await locating(['data'], () => checkAnswers(data, absent));
  if (absent.validation.length > 0) observe({ kind: 'warning', message: unseenMessage(absent.validation) });
  if (absent.test.length === data.classes.length)
    observe({ kind: 'warning', message: 'No test image has a box or a label: scores of the test images say nothing' });
  const experiment = settledFor(data, asked, fixedBatch);
  for (const [key, batch, images] of batches(experiment, data))
    await locating([key, 'batch'], () => checkBatch(batch, images));
  const taught = await checkTrainings(experiment, data.classes, locating);
  // A budget says how long trainings are.
  const lengths = experiment.budget === undefined ? lengthNotes(experiment, asked) : [];
  for (const message of lengths) observe({ kind: 'note', message });
  const folds = await locating(['final', 'folds'], () => possibleFolds(experiment, prepared, data, observe));
  const task = spaceTask(data, data.task.type);
  const space = await locating(['space'], () => createSpace(experiment.space, task));
  await locating(['teacher', 'path'], () => checkTeacher(experiment.teacher, data));
  if (taught !== null && isMapTask(data.task.type))
    await locating(['teacher'], () => requireSameProportions(taught, inputSizes(space, task)));
  if (device.type === 'table') await locating(['latency', 'device'], () => new TableDevice(device).check(space));
  const initial = await planInitial(experiment, { space, data, locating });
  if (initial !== null) observe({ kind: 'note', message: initial.note });
  const sizes = [...inputSizes(space, task), ...(initial?.sizes ?? []), ...(taught === null ? [] : [taught])];
  let dataset = prepared;
  for (const size of sizes) {
    const rendering = { ...renderingOf(experiment.data), size };
    const options = preparing(`Rendering the images at ${size.join(' x ')}`, context);
    const before = dataset;
    dataset = await locating(['data'], () => addRenderings(before, experiment.data, [rendering], options));
  }
  const augmentNote = defaultAugmentNote(experiment);
  if (augmentNote !== null) observe({ kind: 'note', message: augmentNote });
  const supernet = await planSupernet(experiment, { space, data, locating });
  for (const message of warningsOf(experiment)) observe({ kind: 'warning', message });
  const sources = experiment.objectives.flatMap(({ name }) => measureNamed(name)?.source ?? []);
  return {
    kind: 'training',
    experiment,
    workdir,
    clock: context.clock ?? Date.now,
    dataset,
    data,
    task,
    space,
    engine,
    threads,
    acceptEnvironment,
    folds,
    supernet,
    teacherThreads: preparationThreads(experiment),
    sources: new Set(sources.map(({ kind }) => kind)),
  };
}

/** Names the default augmentation of the data where a training has it. */
export function defaultAugmentNote({ data, train: { augment } }: TrainingExperiment): string | null {
  if (canonicalJson(augment) !== canonicalJson(defaultAugment(data))) return null;
  const steps = augment.map(({ type, ...values }) => {
    const keys = Object.entries(values).map(([key, value]) => `, ${key}: ${String(value)}`);
    return keys.length === 0 ? type : `{type: ${type}${keys.join('')}}`;
  });
  return `train.augment: [${steps.join(', ')}], the default for these images`;
}

/** The experiment with the batch, if it is a default, the epochs, and the calibration images that fit the number of training images. */
function settledFor(
  info: DatasetInfo,
  { teacher, train, supernet, final, compress, ...others }: TrainingExperiment,
  fixedBatch: PlanContext['fixedBatch'],
): TrainingExperiment {
  const images = info.counts.train;
  const fit = <T extends { readonly batch: number }>(key: TrainingKey, config: T, shown: number): T =>
    fixedBatch(key) ? config : { ...config, batch: Math.min(config.batch, shown) };
  const settle = <T extends TrainConfig>(key: TrainingKey, config: T): T => {
    const shown = imagesOf(config, info);
    return withStepsOn(shown, fit(key, config, shown));
  };
  const settledTeacher = (config: typeof teacher): typeof teacher => {
    if (config.type === 'none') return config;
    if (config.type === 'average') return { ...config, of: config.of.map(settledSingle) };
    return settledSingle(config);
  };
  const settledSingle = (config: SingleTeacher): SingleTeacher => {
    const fitted =
      config.type === 'train'
        ? fit(
            'teacher',
            { ...config, network: teacherNetwork(config, info), batch: teacherBatch(config, info) },
            images,
          )
        : config;
    const epochs = teacherSchedule(fitted, info, train)?.epochs;
    return epochs === undefined ? fitted : { ...fitted, epochs };
  };
  const { calibration } = compress;
  return {
    ...others,
    compress: { ...compress, calibration: { ...calibration, images: Math.min(calibration.images, images) } },
    teacher: settledTeacher(teacher),
    train: settle('train', train),
    final: final === null ? null : settle('final', final),
    ...(supernet !== undefined && { supernet: isOwnSupernet(supernet) ? settle('supernet', supernet) : supernet }),
  };
}

/** Notes about trainings that are longer than their epochs, to make their least number of steps. */
const lengthNotes = ({ train, final }: TrainingExperiment, asked: TrainingExperiment): string[] =>
  Object.entries({ train, final }).flatMap(([key, config]) => {
    const before = asked[key as 'train' | 'final'];
    if (config === null || before === null || config.epochs === before.epochs) return [];
    return [`${key}: ${config.epochs} epochs of ${config.batch} images a step, to make ${config.steps ?? 0} steps`];
  });

/** Number of images that an epoch of a training shows. */
const imagesOf = ({ loss }: TrainConfig, info: DatasetInfo): number =>
  epochImages(info, loss !== undefined && loss.type !== 'cross-entropy');

/** The batch sizes of all trainings and the images that they have, by their key in the file. */
const batches = (
  experiment: TrainingExperiment,
  info: DatasetInfo,
): (readonly [key: string, batch: number, images: number])[] => [
  ...trainings(experiment).map(([key, config]) => [key, config.batch, imagesOf(config, info)] as const),
  ...(experiment.teacher.type === 'train'
    ? [['teacher', teacherBatch(experiment.teacher, info), info.counts.train] as const]
    : []),
];

/** @throws NasError when there are fewer training images than one step takes. */
function checkBatch(batch: number, images: number): void {
  if (batch > images)
    throw invalidInput(`a batch of ${batch} images is more than the ${images} images to train with`, {
      hint: 'Set a smaller batch, or a larger data.subset.',
    });
}

/**
 * The number of folds, before anything trains; null without cross-validation.
 * @throws NasError `invalid-input` when the images cannot be split into as many folds as the user wants
 */
function possibleFolds(
  experiment: TrainingExperiment,
  dataset: DatasetRef,
  { counts }: DatasetInfo,
  observe: RunObserver,
): number | null {
  const of = foldsOf(experiment, counts);
  if (of === null) return null;
  try {
    for (let index = 0; index < of; index++) describeDataset({ ...dataset, fold: { index, of } });
    return of;
  } catch (error) {
    if (experiment.folds !== 'auto' || !(error instanceof NasError)) throw error;
    observe({ kind: 'note', message: `There is no cross-validation (final.folds: auto): ${error.message}` });
    return null;
  }
}

/**
 * Checks that images for training and for validation have boxes or labels: otherwise nothing is learned, or nothing decides the search.
 * @param absent the classes without an image in each split
 * @throws NasError `invalid-input` when a split has none
 */
function checkAnswers(
  { classes, counts, task }: DatasetInfo,
  absent: { readonly [S in 'train' | 'validation']: readonly string[] },
): void {
  const names = { train: 'training', validation: 'validation' } as const;
  for (const split of ['train', 'validation'] as const)
    if (absent[split].length === classes.length)
      throw invalidInput(
        `none of the ${counts[split]} ${names[split]} images has a ${isBoxTask(task.type) ? 'box' : 'label'}`,
        { hint: 'Give that split images that have some, or set a larger data.validation.' },
      );
}

/** Largest difference of the proportions of two images that show the same views. */
const sameProportions = 0.02;

/**
 * Checks that a detector sees the views of its students: the place of an image in a view follows the proportions of its sides.
 * @throws NasError `invalid-input` for other proportions
 */
function requireSameProportions(teacher: Size, students: readonly Size[]): void {
  const proportions = ([height, width]: Size): number => width / height;
  const other = students.find((size) => Math.abs(proportions(size) / proportions(teacher) - 1) > sameProportions);
  if (other !== undefined)
    throw invalidInput(
      `the teacher takes images of ${teacher.join(' x ')} pixels, and the networks of ${other.join(' x ')}: expected equal proportions`,
      { hint: `Set data.size: [${teacher.join(', ')}], or sizes with its proportions.` },
    );
}

const unseenMessage = (classes: readonly string[]): string => {
  const named = `${classes.slice(0, 10).join(', ')}${classes.length > 10 ? ', ...' : ''}`;
  return `No validation image is of ${named}: the search does not see how well networks find ${classes.length === 1 ? 'it' : 'them'}. Give the validation split images of every class, or leave that split out`;
};

/** Announces a conversion when it begins, and shows its progress. */
export function preparingData(message: string, observe: RunObserver, signal: AbortSignal): PrepareOptions {
  let announced = false;
  return {
    signal,
    onNote: (note) => observe({ kind: 'note', message: note }),
    onProgress: (done, total) => {
      if (!announced) observe({ kind: 'phase', name: 'data', message });
      announced = true;
      observe({ kind: 'progress', phase: 'data', done, total, unit: 'images' });
    },
  };
}

/** Warnings about settings that are allowed and hardly meant. */
export function warningsOf(experiment: TrainingExperiment): string[] {
  const { train, final } = experiment;
  return [
    ...(finalRepeatsSearch(experiment)
      ? [
          `final: begins as the search's trainings do and is no longer than their ${train.epochs} epochs, so it will hardly come to more; give final.epochs more`,
        ]
      : []),
    ...new Set([train, final].flatMap(twiceBalanced)),
  ];
}

/** A warning about a training with two corrections for rare classes. */
const twiceBalanced = (config: TrainConfig | null): string[] =>
  config?.class_weight === 'auto' && config.class_sampling === 'balanced'
    ? [
        'class_weight: auto and class_sampling: balanced each correct for rare classes, and together too much: give one of them',
      ]
    : [];
