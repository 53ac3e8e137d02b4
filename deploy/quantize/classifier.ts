import type { Scores } from '../../base/scores.js';
import type { Decoding } from '../../base/preprocess.js';
import {
  fitClassifier,
  imageShape,
  inputTransform,
  onnxSignature,
  parseOnnx,
  type Classifier,
  type ClassifierFacts,
  type ImageData,
} from '../../compiler/index.js';
import { invalidInput, NasError } from '../../base/errors.js';
import { evaluateOnnx, type EvaluateOnnxOptions, type LabelledImages } from '../evaluate.js';
import {
  readMetadata,
  withMetadata,
  type DetectionFacts,
  type ModelMetadata,
  type QuantizationFacts,
} from '../metadata.js';
import { calibrateRanges, type CalibrationBatch, type CalibrationMethod } from './calibrate.js';
import type { WeightBits } from './numbers.js';
import { prepareModel, quantizeModel, type QuantizedModel } from './quantize.js';

/** Images in batches of exactly `size`; the last one is filled up with copies of the last image, which do not count. */
function* inBatches(
  images: Float32Array,
  all: number,
  size: number,
): Generator<{ readonly images: Float32Array; readonly count: number }> {
  const values = images.length / all;
  for (let start = 0; start < all; start += size) {
    const count = Math.min(size, all - start);
    const taken = images.subarray(start * values, (start + count) * values);
    const filled = new Float32Array(size * values);
    filled.set(taken);
    for (let at = taken.length; at < filled.length; at += values) filled.set(taken.subarray(taken.length - values), at);
    yield { images: filled, count };
  }
}

/** Images of a data set as the classifier takes them: in its layout, its normalisation, and its batch. */
async function* asTaken(
  batches: AsyncIterable<LabelledImages>,
  { layout, normalisation, batch }: Classifier,
  data: ImageData,
): AsyncGenerator<CalibrationBatch> {
  const shape = imageShape[layout](data);
  const transform = inputTransform(layout, normalisation, data);
  for await (const { images, size } of batches) {
    const taken = transform(images);
    if (batch === null) yield { images: taken, shape: [size, ...shape] };
    else for (const part of inBatches(taken, size, batch)) yield { ...part, shape: [batch, ...shape] };
  }
}

type ClassifierScores = Pick<Scores, 'accuracy' | 'details'>;

/** Step of `quantizeClassifier`: finding ranges, or classifying the validation images with one of the models. */
export type QuantizingStep = 'calibration' | 'fp32' | CalibrationMethod;

export interface QuantizeClassifierOptions extends Pick<EvaluateOnnxOptions, 'board'> {
  /** Description of both kinds of images; a data set has these fields. */
  readonly data: ImageData;
  /** Training images that give the ranges of the activations, normalised as `data` says. */
  readonly calibration: () => AsyncIterable<LabelledImages>;
  /** Images that choose the method; neither training nor test images. */
  readonly validation: () => AsyncIterable<LabelledImages>;
  /** Methods to try; of equally accurate ones, the first is chosen. */
  readonly methods: readonly CalibrationMethod[];
  /** Share of the values within the range of `percentile`, in percent: 99.99. */
  readonly percentile: number;
  readonly weightBits: WeightBits;
  /** Threads of ONNX Runtime; default 1. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Called after each batch with the number of images of the step so far. */
  readonly onProgress?: (step: QuantizingStep, images: number) => void;
}

/** An int8 classifier, with its own and the float model's accuracy on the validation images. */
export interface QuantizedClassifier extends QuantizedModel {
  /** The chosen method. */
  readonly method: CalibrationMethod;
  /** Main scores on the validation images; of int8 with the chosen method. */
  readonly accuracy: { readonly fp32: number; readonly int8: number };
  /** Of the int8 classifier on the validation images. */
  readonly scores: ClassifierScores;
  /** All methods, in the given order. */
  readonly tried: readonly { readonly method: CalibrationMethod; readonly accuracy: number }[];
  /** Calibration images. */
  readonly images: number;
}

/**
 * Quantizes a float32 image classifier or detector to int8, with the calibration method of the best main score on the validation
 * images. Images are converted to the model's layout and normalisation (from its metadata, otherwise from `data`).
 * Accuracies use exact integer arithmetic on every machine. The same input gives the same bytes.
 *
 * @throws NasError `invalid-input` when the model is quantized already or no float32 classifier, when model and data do
 *   not fit (see `fitClassifier`), or when there are no calibration or no validation images;
 *   `interrupted` when the signal is aborted
 */
export async function quantizeClassifier(
  model: Uint8Array,
  options: QuantizeClassifierOptions,
): Promise<QuantizedClassifier> {
  const { data, board, calibration, validation, methods, percentile, weightBits } = options;
  const { threads = 1, signal, onProgress } = options;
  const where = 'the model';
  if (methods.length === 0) throw invalidInput('no calibration method is given to quantize with');
  const prepared = prepareModel(model, where);
  const classifier = fitClassifier(onnxSignature(parseOnnx(model, where), where), data, where);
  let images = 0;
  const ranges = await calibrateRanges(prepared, () => asTaken(calibration(), classifier, data), {
    methods,
    percentile,
    threads,
    signal,
    onProgress: (done) => {
      images = done;
      onProgress?.('calibration', done);
    },
  });
  const scoresOf = async (step: QuantizingStep, bytes: Uint8Array): Promise<ClassifierScores> => {
    if (signal?.aborted === true) throw new NasError('interrupted', 'quantizing was interrupted');
    const evaluation = { data, board, threads, exactIntegers: true };
    const { accuracy, details } = await evaluateOnnx(bytes, validation(), {
      ...evaluation,
      onProgress: (done) => onProgress?.(step, done),
    });
    return { accuracy, details };
  };
  const fp32 = (await scoresOf('fp32', model)).accuracy;
  const candidates: (QuantizedModel & { method: CalibrationMethod; scores: ClassifierScores })[] = [];
  for (const method of methods) {
    const quantized = quantizeModel(prepared, ranges[method], { weightBits });
    candidates.push({ ...quantized, method, scores: await scoresOf(method, quantized.model) });
  }
  const best = candidates.reduce((a, b) => (b.scores.accuracy > a.scores.accuracy ? b : a));
  const tried = candidates.map(({ method, scores: { accuracy } }) => ({ method, accuracy }));
  return { ...best, accuracy: { fp32, int8: best.scores.accuracy }, tried, images };
}

/** Metadata that an int8 file has in addition to its float model's. */
export interface QuantizedFacts {
  readonly quantization: QuantizationFacts;
  readonly accuracy: NonNullable<ModelMetadata['accuracy']>;
  /** How the files of the calibration images became pixels; absent: unknown. */
  readonly preprocess?: Decoding;
  /** Of a detector, with thresholds of its own. */
  readonly detection?: DetectionFacts | undefined;
}

/** How images must be given to the classifier from now on: as the calibration images were, which its ranges fit. */
function factsFor(
  model: Uint8Array,
  data: ImageData,
): Required<Omit<ClassifierFacts, 'preprocess' | 'task'>> & Pick<ClassifierFacts, 'task'> {
  const where = 'the model';
  const signature = onnxSignature(parseOnnx(model, where), where);
  const { layout, normalisation } = fitClassifier(signature, data, where);
  const { mean, std } = normalisation ?? data;
  return {
    classes: signature.facts.classes ?? data.classes,
    ...(data.task.type !== 'classification' && { task: signature.facts.task ?? data.task }),
    layout,
    input: [data.height, data.width, data.channels],
    mean,
    std,
  };
}

/**
 * An int8 file with metadata: its precision, how it was quantized, its own accuracy. The metadata of the float file stay,
 * except for its latency. A file of another program also gets the normalisation and layout of its images.
 * @param data description of the calibration images
 */
export function describeQuantized(
  model: Uint8Array,
  data: ImageData,
  { quantization, accuracy, preprocess, detection }: QuantizedFacts,
): Uint8Array {
  const said = readMetadata(model);
  return withMetadata(model, {
    ...factsFor(model, data),
    ...(preprocess && { preprocess }),
    ...said,
    ...(detection && { detection }),
    latency: undefined,
    precision: 'int8',
    quantization,
    accuracy,
  });
}
