import { fitClassifier, onnxSignature, parseOnnx, type ImageData } from '../../compiler/index.js';
import { invalidInput, NasError } from '../../base/errors.js';
import { evaluateOnnx, type LabelledImages } from '../evaluate.js';
import { calibrate, type CalibrationMethod } from './calibrate.js';
import { asTaken } from './calibration-images.js';
import type { WeightBits } from './numbers.js';
import { prepareModel } from './prepared-model.js';
import { quantizeModel, type QuantizedModel } from './quantize.js';

/** What `quantizeClassifier` is at: finding ranges, or classifying the validation images with one of the models. */
export type QuantizingStep = 'calibration' | 'fp32' | CalibrationMethod;

export interface QuantizeClassifierOptions {
  /** What the images of both kinds are; a data set's description will do. */
  readonly data: ImageData;
  /** Images that the ranges of the activations are found on: of training, normalised as the data says. */
  readonly calibration: () => AsyncIterable<LabelledImages>;
  /** Images that the method is chosen by; neither of training nor of the test. */
  readonly validation: () => AsyncIterable<LabelledImages>;
  /** What is tried; of equals, the first is taken. */
  readonly methods: readonly CalibrationMethod[];
  /** Share of the values within the range of `percentile`, in percent: 99.99. */
  readonly percentile: number;
  readonly weightBits: WeightBits;
  /** Threads of ONNX Runtime; default 1. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Told after each batch how many images are done in a step. */
  readonly onProgress?: (step: QuantizingStep, images: number) => void;
}

/** An int8 classifier, and how it did beside the float one on the validation images. */
export interface QuantizedClassifier extends QuantizedModel {
  /** What was chosen. */
  readonly method: CalibrationMethod;
  /** Shares of validation images classified correctly; of int8, with the method that was chosen. */
  readonly accuracy: { readonly fp32: number; readonly int8: number };
  /** Every method, in the order in which they were asked for. */
  readonly tried: readonly { readonly method: CalibrationMethod; readonly accuracy: number }[];
  /** Calibration images. */
  readonly images: number;
}

/**
 * Quantizes a float32 image classifier to eight bits, with the calibration method under which it classifies most
 * validation images correctly. Images reach the model in its own layout and normalisation (as its metadata says, or as
 * the data's). Accuracies are those of exact integer arithmetic, whatever this machine's; same input, same bytes.
 *
 * @throws NasError `invalid-input` when the model is quantized already or no float32 classifier, when model and data do
 *   not fit (see `fitClassifier`), or when there are no calibration or no validation images;
 *   `interrupted` when the signal is aborted
 */
export async function quantizeClassifier(
  model: Uint8Array,
  options: QuantizeClassifierOptions,
): Promise<QuantizedClassifier> {
  const { data, calibration, validation, methods, percentile, weightBits, threads = 1, signal, onProgress } = options;
  const where = 'the model';
  if (methods.length === 0) throw invalidInput('no calibration method is given to quantize with');
  const prepared = prepareModel(model, where);
  const classifier = fitClassifier(onnxSignature(parseOnnx(model, where), where), data, where);
  let images = 0;
  const ranges = await calibrate(prepared, () => asTaken(calibration(), classifier, data), {
    methods,
    percentile,
    threads,
    signal,
    onProgress: (done) => {
      images = done;
      onProgress?.('calibration', done);
    },
  });
  const accuracyOf = async (step: QuantizingStep, bytes: Uint8Array): Promise<number> => {
    if (signal?.aborted === true) throw new NasError('interrupted', 'quantizing was interrupted');
    const evaluation = { data, threads, exactIntegers: true, onProgress: (done: number) => onProgress?.(step, done) };
    return (await evaluateOnnx(bytes, validation(), evaluation)).accuracy;
  };
  const fp32 = await accuracyOf('fp32', model);
  const candidates: (QuantizedModel & { method: CalibrationMethod; accuracy: number })[] = [];
  for (const method of methods) {
    const quantized = quantizeModel(prepared, ranges[method], { weightBits });
    candidates.push({ ...quantized, method, accuracy: await accuracyOf(method, quantized.model) });
  }
  const { accuracy: int8, ...best } = candidates.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
  const tried = candidates.map(({ method, accuracy }) => ({ method, accuracy }));
  return { ...best, accuracy: { fp32, int8 }, tried, images };
}
