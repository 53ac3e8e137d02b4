/** The data, the training and the engine of `nas tune`, as its options say. */
import { completeDecoding, type Rendering } from '../base/preprocess.js';
import { isMapTask } from '../base/task.js';
import { readBackbone, tuneDetector, tuneFile, type RunObserver, type TuneRequest } from '../runner/index.js';
import {
  completeTraining,
  dataDefaults,
  dataSettings,
  defaultAugment,
  describeDataset,
  engineSchema,
  fileInput,
  renderingOf,
  trainKeys,
  tuneTraining,
  withStepsOn,
  type WrittenScale,
} from '../trainers/index.js';
import { experimentFor, parseDatasetOrBoxes, prepareFor, reported } from './arguments/dataset.js';

/** Epochs of a detector or a segmenter, where they are not given. */
const detectorEpochs = 12;

/** What every tuning has. */
interface Tuning extends Pick<TuneRequest, 'seed' | 'threads'> {
  /** The argument of `--data`. */
  readonly argument: string;
  readonly own: { readonly epochs?: number; readonly batch?: number; readonly learningRate?: number | undefined };
}

/** Images in the size that a file takes; undefined: the data's own. */
const imagesOf = (input: readonly [number, number, number] | undefined): Rendering | undefined =>
  input && { ...completeDecoding(), size: [input[0], input[1]], channels: input[2] };

export async function tuneMaps(
  { path, argument, own, written, ...common }: Tuning & { readonly path: string; readonly written: WrittenScale },
  observe: RunObserver,
  signal: AbortSignal,
): ReturnType<typeof tuneDetector> {
  const backbone = await readBackbone(path);
  const { input, task } = backbone.metadata;
  const data = await parseDatasetOrBoxes(argument, imagesOf(isMapTask(task?.type) ? input : undefined));
  const experiment = experimentFor(argument);
  const dataset = await prepareFor(argument, data, renderingOf(data), reported(observe, signal));
  const keys = { epochs: own.epochs ?? detectorEpochs, ...(own.batch !== undefined && { batch: own.batch }) };
  const settings =
    experiment === undefined
      ? completeTraining(trainKeys.parse(keys), dataDefaults(data))
      : { ...experiment.train, ...keys, steps: undefined };
  const train = withStepsOn(describeDataset(dataset).counts.train, settings);
  const engine = experiment?.engine ?? engineSchema.parse({});
  return tuneDetector({ ...common, backbone, data, dataset, train, engine, written }, observe, signal);
}

export async function tuneClasses(
  { argument, own, ...options }: Tuning & Pick<TuneRequest, 'file' | 'adapt' | 'minutes' | 'freeze' | 'norms'>,
  observe: RunObserver,
  signal: AbortSignal,
): ReturnType<typeof tuneFile> {
  const image = imagesOf(await fileInput(options.file));
  const data = await parseDatasetOrBoxes(argument, image);
  const experiment = experimentFor(argument);
  const settings = experiment ? dataSettings(experiment.train) : { augment: defaultAugment(data) };
  const rendering = { ...renderingOf(data), ...(image && { size: image.size }) };
  const dataset = await prepareFor(argument, data, rendering, reported(observe, signal));
  const { counts, task } = describeDataset(dataset);
  const smoothing = task.type === 'regression' ? 0 : 0.1;
  const length = options.minutes === undefined ? 'usual' : 'longest';
  const train = tuneTraining(counts.train, { ...settings, smoothing, length, ...own });
  const engine = experiment?.engine ?? ({ type: 'auto' } as const);
  const balance = experiment === undefined ? 'chosen' : 'given';
  return tuneFile({ ...options, data, dataset, train, balance, engine }, observe, signal);
}
