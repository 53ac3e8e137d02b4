import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NasError } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import { isMapTask } from '../../base/task.js';
import { counted } from '../../base/text.js';
import type { OpenClassifier, OpenModel } from '../../compiler/index.js';
import { detectionOf, detectorOf, makeDivisible, presetNetworks, type Network } from '../../spaces/index.js';
import type { DatasetInfo } from '../data/index.js';
import { withoutMixing } from '../data/augment/steps.js';
import { activateBackend, chooseEngine } from '../engines/index.js';
import { networkInference } from '../evaluate.js';
import { makeOnce } from '../make-once.js';
import {
  completeTraining,
  overTraining,
  taskDefaults,
  type TrainConfig,
  usualBatch,
  withStepsOn,
} from '../schema/recipe.js';
import type { NetworkTeacher, Teacher } from '../schema/teacher.js';
import { optimizerSchema, trainKeys, type OptimizerConfig } from '../schema/train.js';
import { fit } from '../training/fit.js';
import { readWeights, weightsHash } from '../weights.js';
import { sizeFor, type TeacherSize } from './size.js';
import { deciding, fitHooks, type TeacherOptions, type TeacherSource } from './source.js';

type Config<Type extends Teacher['type']> = Extract<Teacher, { readonly type: Type }>;

/** Images [count, height, width, channels] with their columns in the other order. */
function mirrored(images: Float32Array, [, width, channels]: Network['input']): Float32Array {
  const row = width * channels;
  const turned = new Float32Array(images.length);
  for (let from = 0; from < images.length; from += channels) {
    const column = (from % row) / channels;
    const to = from + (width - 1 - 2 * column) * channels;
    for (let c = 0; c < channels; c++) turned[to + c] = images[from + c];
  }
  return turned;
}

/** The answers of an open teacher. Mirrored images get as good answers where it learned from them, and their mean a better one. */
const answers =
  (run: OpenModel['run'], { input }: Network, mirrors: boolean): OpenClassifier['outputs'] =>
  async (images, size) => {
    const shape = [size, ...input];
    const logits = await run(images, shape);
    if (!mirrors) return logits;
    const others = await run(mirrored(images, input), shape);
    return logits.map((logit, i) => (logit + others[i]) / 2);
  };

/** A trained network as a teacher, which sees the views in its own resolution. */
export function networkTeacher(
  { name, network, weights }: NetworkTeacher,
  { engine, threads }: TeacherOptions,
  { mirrors = false, accuracy = null }: { readonly mirrors?: boolean; readonly accuracy?: number | null } = {},
): TeacherSource {
  const [height, width] = network.input;
  const hash = weightsHash(weights);
  return {
    name,
    hash: mirrors ? contentHash('mirrored', hash) : hash,
    accuracy,
    size: [height, width],
    stride: detectionOf(network)?.stride,
    kind: 'logits',
    normalisation: null,
    async open() {
      const choice = await chooseEngine(engine);
      await activateBackend();
      const inference = await networkInference({ network, weights: readWeights(network, weights) }, choice, threads);
      return { outputs: answers(inference.run.bind(inference), network, mirrors), close: inference.close };
    },
  };
}

/** The head of a detector that teaches. */
const detectionHead = (width: number) => ({ width: makeDivisible(64 * width, 8), depth: 2 });

/** Epochs of a teacher's training where images are many. */
const teacherEpochs = 12;

/** How the training of a network differs from the recipe `fast`. */
interface OwnTraining {
  /** Images in each step, where an epoch has `fewestSteps` of them. */
  readonly batch?: number;
  readonly optimizer?: OptimizerConfig;
}

type OwnNetwork = NonNullable<Config<'train'>['network']>;

const ownTrainings: { readonly [N in OwnNetwork]: OwnTraining } = {
  resnet: {},
  mobilenet: {},
  pooled: { batch: 256, optimizer: optimizerSchema.parse({ type: 'muon', muon_rate: 0.06 }) },
};

/** The network of a teacher. The training of the one with pools was compared for classes only. */
export const teacherNetwork = (
  { network }: Pick<Config<'train'>, 'network'>,
  { task }: Pick<Learned, 'task'>,
): OwnNetwork => network ?? (task.type === 'classification' ? 'pooled' : 'resnet');

/** Steps of an epoch below which images are few. */
const fewestSteps = 50;

const ownTraining = (config: Pick<Config<'train'>, 'network'>, { task, counts }: Learned): OwnTraining => {
  if (task.type !== 'classification') return {};
  const { batch = usualBatch, ...own } = ownTrainings[teacherNetwork(config, { task })];
  return counts.train < fewestSteps * batch ? own : { batch, ...own };
};

/** The parts of the data that decide the training of a teacher. */
export type Learned = Pick<DatasetInfo, 'counts' | 'task'>;

/**
 * How a teacher is trained: by the recipe `fast`, or, at a given learning rate, as in `plain`. It balances classes as its
 * students do; otherwise its answers would prefer frequent classes.
 */
export function teacherTraining(
  config: Config<'train'>,
  data: Learned,
  { augment, class_weight, class_sampling }: TeacherOptions['train'],
): TrainConfig {
  const { epochs, learning_rate } = config;
  const { batch, optimizer } = ownTraining(config, data);
  const recipe =
    learning_rate === undefined
      ? { recipe: 'fast', optimizer }
      : { optimizer: { type: 'sgd', learning_rate, weight_decay: 5e-4 } };
  const keys = trainKeys.parse({
    ...recipe,
    batch: config.batch ?? batch,
    // Smoothed labels make poorer teachers (Mueller et al. 2019): with 0.2, a small student gained nothing in 744 steps, without 1.1 points.
    loss: { type: 'cross-entropy' },
    class_weight,
    class_sampling,
    augment: withoutMixing(augment),
  });
  const train = completeTraining(keys, taskDefaults(data.task.type));
  return withStepsOn(data.counts.train, overTraining(train, { epochs }, teacherEpochs));
}

/** Images in each step of a teacher's training. */
export const teacherBatch = (config: Pick<Config<'train'>, 'batch' | 'network'>, data: Learned): number =>
  config.batch ?? ownTraining(config, data).batch ?? taskDefaults(data.task.type).batch ?? usualBatch;

/**
 * A reference network trained once with cross-entropy on labels, without mixed images. It is cached by the content of data, network,
 * hyperparameters and engine; an interrupted training continues. Minutes are cached in the place of width and epochs, which they
 * decide once.
 */
export async function trainedTeacher(
  config: Config<'train'>,
  info: DatasetInfo,
  options: TeacherOptions & { readonly cache: string },
): Promise<TeacherSource> {
  const { dataset, threads, seed, cache, hooks = {} } = options;
  const engine = await chooseEngine(options.engine);
  const task = { input: [info.height, info.width, info.channels] as const, classes: info.classes.length };
  const kind = teacherNetwork(config, info);
  const networkOf = (width: number): Network => {
    const network = presetNetworks[kind](task, width);
    const { classes } = task;
    const { type } = info.task;
    return isMapTask(type)
      ? detectorOf(network, { task: type, classes, ...detectionHead(width), where: `the teacher ${kind}` })
      : network;
  };
  const trainOf = (epochs?: number) => teacherTraining({ ...config, epochs }, info, options.train);
  const { minutes, width: asked = 1 } = config;
  const what =
    minutes === undefined
      ? [networkOf(asked), trainOf(config.epochs)]
      : [kind, config.width ?? null, minutes, trainOf(1)];
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
    const name = `${kind} (width ${width}${minutes === undefined ? '' : `, ${counted(epochs ?? 0, 'epoch')}`})`;
    const job = { network, seed, train: trainOf(epochs), dataset, teacher: null, engine, threads, directory };
    return { name, network, result: await fit(job, fitHooks(hooks)) };
  };
  const { name, network, result } = await makeOnce({
    path: directory,
    name: `the teacher, ${kind}`,
    find: () => (existsSync(join(directory, 'weights.bin')) ? trained() : null),
    make: trained,
    ...hooks,
  });
  if (result.state !== 'complete')
    throw new NasError('interrupted', 'training the teacher was interrupted; it continues when the run does');
  const teacher = { type: 'network', name, network, weights: result.weights } as const;
  const mirrors = detectionOf(network) === null && trainOf().augment.some(({ type }) => type === 'flip');
  return networkTeacher(teacher, options, mirrors ? { mirrors } : { accuracy: result.accuracy });
}
