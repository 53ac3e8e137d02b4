import { areOfMaps, thresholdsOf, type Scores, type WrongImage, type WrongImages } from '../../base/scores.js';
import type { PixelScale } from '../../base/preprocess.js';
import { invalidInput } from '../../base/errors.js';
import { classification, isBoxTask } from '../../base/task.js';
import { segmenterFile } from '../../compiler/index.js';
import {
  type DetectionFacts,
  evaluateOnnx,
  type LabelledImages,
  quantizeClassifier,
  type QuantizeClassifierOptions,
  type QuantizedClassifier,
  type QuantizingStep,
  readMetadata,
  withMetadata,
} from '../../deploy/index.js';
import {
  createLoader,
  type Dataset,
  type DatasetInfo,
  type DatasetRef,
  evaluationLoader,
  imagePaths,
  scaleOfSegmenter,
  scoreboardOf,
  type Size,
  type SplitName,
  withDataset,
} from '../../trainers/index.js';
import { namedImages } from './named-images.js';

export interface EvaluateFileOptions {
  /** What messages call the model, such as its path; default `the model`. */
  readonly where?: string;
  readonly provider?: string;
  readonly threads?: number;
  /**
   * Whether the details name the images that are classified wrong with the highest confidence, or the ones with most missed and wrong
   * boxes; default: no.
   */
  readonly keepsWrong?: boolean;
  /**
   * Thresholds of the boxes of a detector: `stored` in its file (default; without them as `best`), or the `best` for these images,
   * which F1 takes from the other half of them.
   */
  readonly thresholds?: 'stored' | 'best';
  /** Seed of the bootstrap for standard errors of a detector's scores; absent: none. */
  readonly seed?: number;
  /** Called with what was found of a segmenter of another program. */
  readonly onNote?: (message: string) => void;
  /** Called with the number of finished and of all images. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Images classified at once: fewer of large ones, whose maps take memory. */
const batchOf = ({ size: [height, width] }: ImagesFor): number =>
  Math.max(1, Math.min(128, Math.floor(2 ** 22 / (height * width))));

/**
 * Runs an ONNX classifier, detector or segmenter on one split of a data set, whose images were rendered in the size of the model's input.
 * @throws NasError `invalid-input` when model and data do not fit.
 */
export async function evaluateOnSplit(
  file: Uint8Array,
  dataset: DatasetRef,
  split: SplitName,
  { provider = 'cpu', threads = 1, keepsWrong = false, onProgress, seed, ...options }: EvaluateFileOptions = {},
): Promise<Scores> {
  return withDataset(seenBy(file, dataset), async (open) => {
    const { info } = open;
    const model = await readSegmenter(file, open, options);
    const detection = detectionFor(model, open);
    const { segmentation } = readMetadata(model);
    const thresholds = options.thresholds === 'best' ? undefined : detection?.thresholds;
    const images = { ...imagesFor(model, open), stride: (detection ?? segmentation)?.stride };
    const loader = evaluationLoader(open, split, batchOf(images), images);
    try {
      const { seen, ...scores } = await evaluateOnnx(model, loader.epoch(0), {
        data: dataFor(open, images),
        where: options.where,
        provider,
        threads,
        board: () => scoreboardOf(open, split, images, { keepsWrong, thresholds, seed, decoding: detection }),
        onProgress: (done) => onProgress?.(done, info.counts[split]),
      });
      const { indices } = open.shared.splits[split];
      if (seen !== undefined && areOfMaps(scores.details))
        return { ...scores, details: { ...scores.details, seen: namedImages(seen, indices, dataset.directory) } };
      if (scores.wrong === undefined || scores.details.type !== 'classification') return scores;
      return { ...scores, details: { ...scores.details, wrong: namedWrong(scores.wrong, indices, dataset.directory) } };
    } finally {
      await loader.close();
    }
  });
}

/** Rewrites a segmenter of another program as one of ours, and finds its normalisation where the file does not say it. Other files stay. */
async function readSegmenter(
  file: Uint8Array,
  dataset: Dataset,
  { where = 'the model', onNote }: Pick<EvaluateFileOptions, 'where' | 'onNote'>,
): Promise<Uint8Array> {
  const model = await segmenterFile(file, where, dataset.info);
  const { segmentation, mean } = readMetadata(model);
  if (model === file || segmentation === undefined || mean !== undefined) return model;
  const { found, ...scale } = await scaleOfSegmenter(model, dataset, { where, ...segmentation });
  onNote?.(`${where} says no normalisation of its images: ${found}`);
  return withMetadata(model, { mean: [...scale.mean], std: [...scale.std] });
}

/** The data as a model learned it: images with boxes are for detectors of boxes and of centroids. */
export function seenBy(model: Uint8Array, dataset: DatasetRef): DatasetRef {
  const task = readMetadata(model).task?.type;
  return isBoxTask(task) ? { ...dataset, task } : dataset;
}

/** The most wrong images that are kept: with the highest confidence of all, of each pair of classes, and in all. */
const mostWrong = { all: 24, pair: 4, total: 300 };

/** @param indices of the images in the converted data set, which is in `directory` */
function namedWrong(wrong: readonly WrongImage[], indices: Uint32Array, directory: string): WrongImages {
  const counts = new Map<string, number>();
  const kept = wrong
    .toSorted((a, b) => b.probability - a.probability || a.row - b.row)
    .filter(({ actual, predicted }, i) => {
      const pair = `${actual} ${predicted}`;
      const count = (counts.get(pair) ?? 0) + 1;
      counts.set(pair, count);
      return i < mostWrong.all || count <= mostWrong.pair;
    })
    .slice(0, mostWrong.total)
    .map((image) => ({ ...image, row: indices[image.row] }));
  const paths = imagePaths(
    directory,
    kept.map(({ row }) => row),
  );
  const images = kept.map(({ row, probability, ...image }) => {
    const path = paths.get(row);
    return { row, ...(path !== undefined && { path }), ...image, probability: Number(probability.toFixed(4)) };
  });
  return { directory, images };
}

/**
 * How the outputs of a detector become boxes, with the thresholds in the order of the data's classes; undefined for other models,
 * and where the data has no boxes.
 * @throws NasError `invalid-input` when the metadata of a detector lacks the key `detection`, or has another number of thresholds than of
 *   classes
 */
function detectionFor(model: Uint8Array, { info }: Dataset): DetectionFacts | undefined {
  const { task = classification, detection, classes = info.classes } = readMetadata(model);
  if (!isBoxTask(info.task.type) || !isBoxTask(task.type)) return undefined;
  if (detection === undefined)
    throw invalidInput('the model does not say how its outputs become boxes: its metadata has no key detection', {
      hint: 'Export the network again: nas export writes the key.',
    });
  const { thresholds } = detection;
  if (thresholds === undefined) return detection;
  if (thresholds.length !== classes.length)
    throw invalidInput(`the model is damaged: it has ${thresholds.length} thresholds for ${classes.length} classes`, {
      hint: 'Export the network again.',
    });
  return { ...detection, thresholds: reordered(thresholds, classes, info.classes) };
}

/** Values of classes in another order of the classes. */
const reordered = <T>(values: readonly T[], from: readonly string[], to: readonly string[]): readonly T[] =>
  to.map((name) => values[from.indexOf(name)]);

/** The size and the normalisation of the images for a model, and for detectors the pixels of a cell. */
interface ImagesFor {
  readonly size: Size;
  readonly scale: PixelScale;
  readonly stride?: number | undefined;
}

/** Size and normalisation from the model's metadata, otherwise from the data. Pixels are normalised once, as `nas serve` does. */
function imagesFor(model: Uint8Array, { info }: Dataset, size?: Size): ImagesFor {
  const { input, mean, std } = readMetadata(model);
  const own = mean?.length === info.channels && std?.length === info.channels;
  return {
    size: size ?? (input === undefined ? [info.height, info.width] : [input[0], input[1]]),
    scale: own ? { mean, std } : info,
  };
}

const dataFor = ({ info }: Dataset, { size: [height, width], scale: { mean, std } }: ImagesFor): DatasetInfo => ({
  ...info,
  height,
  width,
  mean,
  std,
});

export interface QuantizeOnDatasetOptions extends Pick<
  QuantizeClassifierOptions,
  'methods' | 'percentile' | 'weightBits' | 'threads' | 'signal'
> {
  /** Number of training images for calibration; warns when the data has fewer. */
  readonly images: number;
  /** Selects the training images, independently of the model. */
  readonly seed: number;
  /** Input size of the model; default: the size in its metadata, or the data set's image size. */
  readonly size?: Size;
  /** Called with the number of finished and of all images of a step. */
  readonly onProgress?: (step: QuantizingStep, done: number, total: number) => void;
  /** Awaited before every batch; a rejection ends the quantization. */
  readonly between?: () => Promise<void>;
}

/** Pixels per calibration batch, which keeps every intermediate tensor. */
const calibrationPixels = 2 ** 18;

/** Unaugmented training images, drawn by a seed. */
async function* drawnImages(
  dataset: Dataset,
  { size, scale }: ImagesFor,
  images: number,
  seed: number,
): AsyncGenerator<LabelledImages> {
  const atOnce = Math.max(1, Math.min(64, images, Math.round(calibrationPixels / (size[0] * size[1]))));
  const order = { split: 'train', seed, augment: [], shuffle: true, dropLast: false } as const;
  const loader = createLoader({ ...order, dataset, batch: atOnce, size, scale });
  try {
    let left = images;
    for await (const { images: all, labels, size: count } of loader.epoch(0)) {
      const taken = Math.min(count, left);
      const part = (values: Float32Array) => values.subarray(0, (values.length / count) * taken);
      if (taken > 0) yield { images: part(all), labels: part(labels), size: taken };
      left -= taken;
      if (left === 0) return;
    }
  } finally {
    await loader.close();
  }
}

async function* wholeSplit(dataset: Dataset, images: ImagesFor): AsyncGenerator<LabelledImages> {
  const loader = evaluationLoader(dataset, 'validation', batchOf(images), images);
  try {
    yield* loader.epoch(0);
  } finally {
    await loader.close();
  }
}

async function* paced<T>(items: AsyncIterable<T>, between: (() => Promise<void>) | undefined): AsyncGenerator<T> {
  for await (const item of items) {
    await between?.();
    yield item;
  }
}

interface QuantizedOnDataset extends QuantizedClassifier {
  /** Says so where the data set has fewer calibration images than were asked for. */
  readonly fewer: readonly string[];
  /** How the outputs of a detector become boxes, with the best thresholds of int8 for the validation images. */
  readonly detection?: DetectionFacts;
}

/**
 * Quantizes an ONNX classifier or detector to int8: calibrates on training images and chooses the method on the validation split.
 * The images were rendered in the size of the model's input.
 * @throws NasError `invalid-input` as `quantizeClassifier`
 */
export async function quantizeOnDataset(
  model: Uint8Array,
  dataset: DatasetRef,
  { images: wanted, seed, size, onProgress, between, ...options }: QuantizeOnDatasetOptions,
): Promise<QuantizedOnDataset> {
  return withDataset(seenBy(model, dataset), async (open) => {
    const { info } = open;
    const detection = detectionFor(model, open);
    const { segmentation } = readMetadata(model);
    const shown = { ...imagesFor(model, open, size), stride: (detection ?? segmentation)?.stride };
    const images = Math.min(wanted, info.counts.train);
    const quantized = await quantizeClassifier(model, {
      ...options,
      data: dataFor(open, shown),
      board: () => scoreboardOf(open, 'validation', shown, { decoding: detection }),
      calibration: () => paced(drawnImages(open, shown, images, seed), between),
      validation: () => paced(wholeSplit(open, shown), between),
      onProgress: (step, done) => onProgress?.(step, done, step === 'calibration' ? images : info.counts.validation),
    });
    const fewer = `calibrated on ${images} images: the training split has no more (${wanted} were asked for)`;
    const found = thresholdsOf(quantized.scores.details);
    const { classes = info.classes } = readMetadata(model);
    const thresholds = found && reordered(found, info.classes, classes);
    return {
      ...quantized,
      fewer: images === wanted ? [] : [fewer],
      ...(detection && { detection: { ...detection, thresholds } }),
    };
  });
}
