import { isMapTask } from '../base/task.js';
import { requireQemu } from '../deploy/index.js';
import { NasError } from '../base/errors.js';
import { requireWorking } from '../compiler/index.js';
import { createSpace, inputSizes, type Task } from '../spaces/index.js';
import { TableDevice } from '../latency-models/index.js';
import type { Clock } from '../store/index.js';
import {
  absentFrom,
  addRenderings,
  checkTeacher,
  describeDataset,
  prepareDataset,
  type DataConfig,
  type DatasetInfo,
  type DatasetRef,
  type PrepareOptions,
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
import { defaultAugmentNotes, withDefaultAugment, type IsFixed, type TrainingKey } from './default-augment.js';
import { planInitial } from './initial-weights/index.js';
import { isOwnSupernet, isTableExperiment, isTrainingExperiment } from '../experiments/schema/run-experiment.js';
import { measureNamed } from '../experiments/schema/measures.js';
import type { Locating } from '../experiments/parse/index.js';
import {
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
import {
  batches,
  checkAnswers,
  checkBatch,
  checkTrainings,
  imagesOf,
  requireKnownProviders,
  requireSameProportions,
  unseenMessage,
  warningsOf,
} from './start-checks.js';
import { planSupernet } from './trainings/supernet.js';

interface PlanContext extends EngineContext {
  readonly workdir: string;
  readonly threads: number;
  /** Whether the number of workers is the user's, or a resumed run's: then the engine does not change it. */
  readonly fixedWorkers: boolean;
  /** A default batch is reduced to the number of images; a default augmentation follows how often each is shown. */
  readonly isFixed: IsFixed;
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
  const { workdir, threads, fixedWorkers, isFixed, acceptEnvironment, locating, observe } = context;
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
  const experiment = settledFor(data, asked, isFixed);
  for (const [key, batch, images] of batches(experiment, data))
    await locating([key, 'batch'], () => checkBatch(batch, images));
  const taught = await checkTrainings(experiment, data.classes, locating);
  // A budget says how long trainings are.
  const lengths =
    experiment.budget === undefined
      ? [...lengthNotes(experiment, asked), ...defaultAugmentNotes(experiment, isFixed)]
      : [];
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

/** The experiment with the batch and the augmentation, if they are defaults, the epochs, and the calibration images that fit the number of training images. */
function settledFor(
  info: DatasetInfo,
  { teacher, train, supernet, final, compress, ...others }: TrainingExperiment,
  isFixed: IsFixed,
): TrainingExperiment {
  const images = info.counts.train;
  const fit = <T extends { readonly batch: number }>(key: TrainingKey, config: T, shown: number): T =>
    isFixed(key, 'batch') ? config : { ...config, batch: Math.min(config.batch, shown) };
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
  const settled: TrainingExperiment = {
    ...others,
    compress: { ...compress, calibration: { ...calibration, images: Math.min(calibration.images, images) } },
    teacher: settledTeacher(teacher),
    train: settle('train', train),
    final: final === null ? null : settle('final', final),
    ...(supernet !== undefined && { supernet: isOwnSupernet(supernet) ? settle('supernet', supernet) : supernet }),
  };
  return withDefaultAugment(settled, isFixed);
}

/** Notes about trainings that are longer than their epochs, to make their least number of steps. */
const lengthNotes = ({ train, final }: TrainingExperiment, asked: TrainingExperiment): string[] =>
  Object.entries({ train, final }).flatMap(([key, config]) => {
    const before = asked[key as 'train' | 'final'];
    if (config === null || before === null || config.epochs === before.epochs) return [];
    return [`${key}: ${config.epochs} epochs of ${config.batch} images a step, to make ${config.steps ?? 0} steps`];
  });

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
