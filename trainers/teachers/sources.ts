import { networkInference } from '../evaluate.js';
import { withDataset, type Dataset, type DatasetInfo, type DatasetRef, type Size } from '../data/index.js';
import { activateBackend, type AnyEngine, chooseEngine, type EngineChoice, placeOf } from '../engines/index.js';
import { readWeights, weightsHash } from '../weights.js';
import type { NetworkTeacher, Teacher, TeacherConfig } from '../schema/teacher.js';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { invalidInput, NasError } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import { counted } from '../../base/text.js';
import {
  detectionOf,
  detectionStrides,
  detectorOf,
  makeDivisible,
  presetNetworks,
  type Network,
} from '../../spaces/index.js';
import type { FitHooks } from '../jobs.js';
import { trainKeys } from '../schema/train.js';
import type { TeacherNormalisation } from '../schema/teacher.js';
import { sizeFor, type TeacherSize } from './size.js';
import { fit } from '../training/fit.js';
import { makeOnce } from '../make-once.js';
import {
  completeTraining,
  overTraining,
  taskDefaults,
  type TrainConfig,
  usualBatch,
  withStepsOn,
} from '../schema/recipe.js';
import { withoutMixing } from '../data/augment/steps.js';
import { gridOf } from '../data/box-targets.js';
import { readInput } from '../../base/files.js';
import { fileInput, inputOf, writtenScale } from '../pretrained/read.js';
import { foundScale } from '../pretrained/normalisation.js';
import { dataSettings, tuneTraining } from '../pretrained/training.js';
import type { Adaptation, TuneHooks } from '../pretrained/tune.js';
import {
  classifierFile,
  fitClassifier,
  foreignNetwork,
  isTfjs,
  onnxSignature,
  type ClassifierSignature,
  type OpenClassifier,
  openClassifier,
  openOnnx,
  type OutputKind,
  parseOnnx,
} from '../../compiler/index.js';

/** The options of a teacher besides its configuration. */
export interface TeacherOptions {
  readonly dataset: DatasetRef;
  /** The students' training: its loss, and the views that the logits belong to. */
  readonly train: Pick<TrainConfig, 'augment' | 'views' | 'loss' | 'class_weight' | 'class_sampling'>;
  /** The experiment's seed: of the views, and of a teacher's training. */
  readonly seed: number;
  readonly engine: AnyEngine;
  readonly threads: number;
  /** Folder of all caches; by default `cacheDirectory()`. */
  readonly cache?: string | undefined;
  readonly hooks?: TeacherHooks | undefined;
}

export interface TeacherHooks extends Partial<FitHooks> {
  /** Called with the number of classified images, over all views, and the total. */
  readonly onLogits?: (done: number, total: number) => void;
  /** Called with the progress of adapting a pretrained network. */
  readonly onPart?: TuneHooks['onPart'];
}

/** A teacher that has been found or trained, but not run yet. */
export interface TeacherSource {
  readonly name: string;
  readonly hash: string;
  /** On the validation split, if known. */
  readonly accuracy: number | null;
  /** Height and width of its images: the students' views in this size. */
  readonly size: Size;
  /** Pixels for each cell of a detector; undefined: it is none. */
  readonly stride: number | undefined;
  /** Null: only the values of its outputs tell. */
  readonly kind: OutputKind | null;
  /** Null for networks, which are trained on the data. */
  readonly normalisation: TeacherNormalisation | null;
  /** Loads the teacher. */
  open(): Promise<OpenClassifier>;
}

type Config<Type extends Teacher['type']> = Extract<Teacher, { readonly type: Type }>;

/**
 * A trained network as a teacher, which sees the views in its own resolution.
 * @param accuracy on the validation split, if known
 */
function networkTeacher(
  { name, network, weights }: NetworkTeacher,
  accuracy: number | null,
  { engine, threads }: TeacherOptions,
): TeacherSource {
  const [height, width] = network.input;
  return {
    name,
    hash: weightsHash(weights),
    accuracy,
    size: [height, width],
    stride: detectionOf(network)?.stride,
    kind: 'logits',
    normalisation: null,
    async open() {
      const choice = await chooseEngine(engine);
      await activateBackend();
      const inference = await networkInference({ network, weights: readWeights(network, weights) }, choice, threads);
      return {
        outputs: (images, size) => inference.run(images, [size, ...network.input]),
        close: inference.close,
      };
    },
  };
}

/** A network that was trained before. */
export const givenTeacher = (config: Config<'network'>, options: TeacherOptions): Promise<TeacherSource> =>
  Promise.resolve(networkTeacher(config, null, options));

export const fitHooks = (hooks: TeacherHooks): FitHooks => ({
  onEpoch: () => undefined,
  onProgress: () => undefined,
  pause: () => undefined,
  signal: new AbortController().signal,
  ...hooks,
});

/** The head of a detector that teaches. */
const detectionHead = (width: number) => ({ width: makeDivisible(64 * width, 8), depth: 2 });

/** Epochs of a teacher's training where images are many. */
const teacherEpochs = 12;

/** The parts of the data that decide the training of a teacher. */
type Learned = Pick<DatasetInfo, 'counts' | 'task'>;

/**
 * How a teacher is trained: by the recipe `fast`, or, at a given learning rate, as in `plain`. It balances classes as its
 * students do; otherwise its answers would prefer frequent classes.
 */
export function teacherTraining(
  { epochs, batch, learning_rate }: Config<'train'>,
  { counts, task }: Learned,
  { augment, class_weight, class_sampling }: Omit<TeacherOptions['train'], 'views'>,
): TrainConfig {
  const recipe =
    learning_rate === undefined
      ? { recipe: 'fast' }
      : { optimizer: { type: 'sgd', learning_rate, weight_decay: 5e-4 } };
  const keys = trainKeys.parse({
    ...recipe,
    batch,
    loss: { type: 'cross-entropy' },
    class_weight,
    class_sampling,
    augment: withoutMixing(augment),
  });
  const train = completeTraining(keys, taskDefaults(task.type));
  return withStepsOn(counts.train, overTraining(train, { epochs }, teacherEpochs));
}

/** Images in each step of a teacher's training. */
export const teacherBatch = ({ batch }: Pick<Config<'train'>, 'batch'>, { task }: Pick<Learned, 'task'>): number =>
  batch ?? taskDefaults(task.type).batch ?? usualBatch;

/** How a configured teacher is trained or fine-tuned; null: it is not, or its minutes decide when it begins. */
export function teacherSchedule(
  config: TeacherConfig,
  data: Learned,
  train: Omit<TeacherOptions['train'], 'views'>,
): TrainConfig | null {
  if (config.type === 'train') return config.minutes === undefined ? teacherTraining(config, data, train) : null;
  return config.type === 'file' && config.adapt === 'all'
    ? tuneTraining(data.counts.train, { ...dataSettings(train), epochs: config.epochs })
    : null;
}

/** The parts of an engine on which the last bits of a training depend: cards and backends round differently. */
export function deciding(engine: EngineChoice): readonly unknown[] {
  if (engine.type === 'eager') return [engine.type, 'cpu'];
  if (engine.type === 'native') return [engine.type, engine.isa];
  return [engine.type, engine.provider, engine.adapter?.name ?? null];
}

/**
 * A reference network trained once with plain cross-entropy, without mixed images or label smoothing, which make poorer
 * teachers (Mueller et al. 2019). It is cached by the content of data, network, hyperparameters and engine; an interrupted
 * training continues. Minutes are cached in the place of width and epochs, which they decide once.
 */
export async function trainedTeacher(
  config: Config<'train'>,
  info: DatasetInfo,
  options: TeacherOptions & { readonly cache: string },
): Promise<TeacherSource> {
  const { dataset, threads, seed, cache, hooks = {} } = options;
  const engine = await chooseEngine(options.engine);
  const task = { input: [info.height, info.width, info.channels] as const, classes: info.classes.length };
  const networkOf = (width: number): Network => {
    const network = presetNetworks[config.network](task, width);
    const { classes } = task;
    return info.task.type === 'detection'
      ? detectorOf(network, { classes, ...detectionHead(width), where: `the teacher ${config.network}` })
      : network;
  };
  const trainOf = (epochs?: number) => teacherTraining({ ...config, epochs }, info, options.train);
  const { minutes, width: asked = 1 } = config;
  const what =
    minutes === undefined
      ? [networkOf(asked), trainOf(config.epochs)]
      : [config.network, config.width ?? null, minutes, trainOf(1)];
  const directory = join(
    cache,
    'teachers',
    contentHash('trained', info.hash, ...what, seed, deciding(engine)).slice(0, 32),
  );
  const sized = async (): Promise<TeacherSize> =>
    minutes === undefined
      ? { width: asked, epochs: config.epochs }
      : sizeFor(
          { minutes, width: config.width, networkOf, train: trainOf(1), info, seed, directory },
          { engine, threads },
        );
  const trained = async () => {
    const { width, epochs } = await sized();
    const network = networkOf(width);
    const name = `${config.network} (width ${width}${minutes === undefined ? '' : `, ${counted(epochs ?? 0, 'epoch')}`})`;
    const job = { network, seed, train: trainOf(epochs), dataset, teacher: null, engine, threads, directory };
    return { name, network, result: await fit(job, fitHooks(hooks)) };
  };
  const { name, network, result } = await makeOnce({
    path: directory,
    name: `the teacher, ${config.network}`,
    find: () => (existsSync(join(directory, 'weights.bin')) ? trained() : null),
    make: trained,
    ...hooks,
  });
  if (result.state !== 'complete')
    throw new NasError('interrupted', 'training the teacher was interrupted; it continues when the run does');
  return networkTeacher({ type: 'network', name, network, weights: result.weights }, result.accuracy, options);
}

const nameOf = ({ path }: Config<'file'>): string => `the teacher ${path}`;

/** Whether a configured file is adapted to the data before it teaches. */
export const isAdapted = (config: Config<'file'>): config is AdaptedConfig =>
  config.adapt === 'head' || config.adapt === 'all';

export type AdaptedConfig = Config<'file'> & { readonly adapt: Adaptation };

/**
 * The size in which the data must be rendered for a configured teacher; null: the data's own size. It reads the files of all
 * teachers.
 * @throws NasError `invalid-input` when a file is missing or no classifier
 */
export async function teacherSize(config: Teacher | { readonly type: 'none' }): Promise<Size | null> {
  if (config.type === 'network') return [config.network.input[0], config.network.input[1]];
  // Teachers of different sizes are refused when they are prepared.
  if (config.type === 'average') return (await Promise.all(config.of.map(teacherSize)))[0];
  const input = config.type === 'file' ? await fileInput(config) : undefined;
  return input === undefined ? null : [input[0], input[1]];
}

/** A file as a classifier of the data, and the normalisation of its images. */
function fitFile(config: Config<'file'>, bytes: Uint8Array, info: DatasetInfo) {
  const where = nameOf(config);
  const signature = onnxSignature(parseOnnx(bytes, where), where);
  const [height, width] = inputOf(signature, config) ?? [info.height, info.width];
  const data = { ...info, height, width };
  const written = writtenScale(config, data);
  const { classes, layout } = config;
  const classifier = fitClassifier(signature, data, where, { ...written, classes, layout });
  const isWritten = written.mean !== undefined || written.std !== undefined;
  const from = isWritten ? 'configuration' : classifier.normalisation === null ? 'data' : 'metadata';
  const { mean, std } = classifier.normalisation ?? data;
  const normalisation: TeacherNormalisation = { mean, std, from };
  return { data, classifier, normalisation, stride: strideOf(signature, data, where) };
}

/**
 * Pixels for each cell of a detector; undefined where the data has no boxes.
 * @throws NasError `invalid-input` for data with boxes and a file that is no detector of nas
 */
function strideOf(
  { boxes }: ClassifierSignature,
  { height, width, task }: DatasetInfo,
  where: string,
): number | undefined {
  if (task.type !== 'detection') return undefined;
  const found = detectionStrides.find((stride) => {
    const { rows, columns } = gridOf([height, width], stride);
    return String(boxes?.shape.slice(1, 3)) === String([rows, columns]);
  });
  if (found !== undefined) return found;
  throw invalidInput(`${where} is no detector of nas, and the data has boxes`, {
    hint: 'Give an ONNX file of a detector that nas exported.',
  });
}

/**
 * Checks that the files of teachers fit the data, before anything trains. TF.js models are checked by the job that runs them,
 * which loads TF.js.
 * @throws NasError `invalid-input` as `fileTeacher`
 */
export function checkTeacher(config: Teacher | { readonly type: 'none' }, info: DatasetInfo): void {
  if (config.type === 'average') for (const one of config.of) checkTeacher(one, info);
  if (config.type === 'file' && !isAdapted(config) && !isTfjs(config.path))
    fitFile(config, readInput(config.path), info);
}

/** The normalisation that the norms of a file tell; null where it has none, or is not understood. */
function scaleIn(
  bytes: Uint8Array,
  { path, layout }: Config<'file'>,
  dataset: Dataset,
): Promise<TeacherNormalisation | null> {
  const signature = onnxSignature(parseOnnx(bytes, path), path);
  const [height, width] = inputOf(signature, { layout }) ?? [dataset.info.height, dataset.info.width];
  try {
    const network = foreignNetwork(bytes, { where: path, layout, size: [height, width] });
    return network.norms.length === 0 ? Promise.resolve(null) : foundScale(network, dataset);
  } catch {
    return Promise.resolve(null);
  }
}

/**
 * An image classifier of another program, run by ONNX Runtime. The file's metadata completes the configuration: `layout`, and
 * `classes`, `mean` and `std` as JSON arrays, as in this package's own exports.
 */
export async function fileTeacher(
  config: Config<'file'>,
  info: DatasetInfo,
  { engine, threads, dataset }: TeacherOptions,
): Promise<TeacherSource> {
  const bytes = await classifierFile(config.path);
  const written = fitFile(config, bytes, info);
  const isSaid = config.normalisation !== undefined || written.normalisation.from !== 'data';
  const found = isSaid ? null : await withDataset(dataset, (open) => scaleIn(bytes, config, open));
  const { data, classifier, stride } =
    found === null ? written : fitFile({ ...config, mean: [...found.mean], std: [...found.std] }, bytes, info);
  const normalisation = found ?? written.normalisation;
  const { layout, order, kind } = classifier;
  return {
    name: basename(config.path),
    hash: contentHash('onnx', bytes, layout, classifier.normalisation, order),
    accuracy: null,
    size: [data.height, data.width],
    stride,
    kind,
    normalisation,
    open: async () =>
      openClassifier(
        await openOnnx(bytes, nameOf(config), { ...placeOf(await chooseEngine(engine)), threads }),
        classifier,
        data,
        nameOf(config),
      ),
  };
}
