import * as tf from '@tensorflow/tfjs-core';
import type { PixelScale } from '../../base/preprocess.js';
import { Cholesky, concatenated, dot } from '../../base/linear-algebra.js';
import { largest } from '../../base/scoreboard.js';
import { exportFunction, openOnnx, type ForeignNetwork } from '../../compiler/index.js';
import { weightsFrom } from '../../spaces/models/index.js';
import { type Dataset, trainingLoader } from '../data/index.js';

/** Some training images, pixel / 255, [count, height, width, channels], and their targets [count, outputs]. */
interface Sample {
  readonly images: Float32Array;
  readonly targets: Float32Array;
  readonly count: number;
}

/** At most so many training images, the same ones at each call. @param stride of the targets of detectors and segmenters */
export async function someImages(
  dataset: Dataset,
  [height, width]: readonly number[],
  most: number,
  stride?: number,
): Promise<Sample> {
  const { info } = dataset;
  const batch = Math.min(most, info.counts.train);
  const scale = { mean: info.mean.map(() => 0), std: info.std.map(() => 1) };
  const loader = trainingLoader(dataset, { batch, size: [height, width], stride, scale });
  try {
    for await (const { images, labels, size } of loader.epoch(0))
      return { images: images.slice(), targets: labels.slice(), count: size };
    throw new Error('the data has no training images');
  } finally {
    await loader.close();
  }
}

/** Pixels / 255 as a network takes them. */
export const normalised = (images: Float32Array, { mean, std }: PixelScale): Float32Array =>
  images.map((pixel, i) => (pixel - mean[i % mean.length]) / std[i % std.length]);

/** The features of images as an ONNX file. */
export function featureProgram(network: ForeignNetwork): Uint8Array {
  const weights = weightsFrom(new Map(network.weights.map((weight) => [weight.name, weight])));
  return exportFunction((images) => {
    const { features } = network.apply(weights, images, { training: false });
    return features ?? tf.zeros([0]);
  }, network.input);
}

/** Images in each call. */
const batch = 32;

/** Features [count, size] of images that are normalised as the network takes them. */
export async function quickFeatures(
  network: ForeignNetwork,
  images: Float32Array,
  count: number,
): Promise<Float32Array> {
  const model = await openOnnx(featureProgram(network), 'the pretrained network');
  const pixels = images.length / count;
  const parts: Float32Array[] = [];
  try {
    for (let first = 0; first < count; first += batch) {
      const size = Math.min(batch, count - first);
      const part = images.subarray(first * pixels, (first + size) * pixels);
      parts.push(await model.run(part, [size, ...network.input]));
    }
  } finally {
    await model.close();
  }
  return concatenated(parts);
}

/**
 * Similarity of all images by the constant that a head adds. Targets less their mean would not do: the mean of all knows the image
 * that is left out.
 */
const bias = 10;

/** Weights of the identity beside the images' similarities, which are about 1. */
const ridges = [1e-3, 1e-2, 1e-1, 1];

/** Features of each image, of mean 0 and deviation 1; a constant feature is 0. */
function standardised(features: Float32Array, count: number): Float64Array[] {
  const size = features.length / count;
  const rows = Array.from({ length: count }, () => new Float64Array(size));
  for (let f = 0; f < size; f++) {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < count; i++) sum += features[i * size + f];
    const mean = sum / count;
    for (let i = 0; i < count; i++) squares += (features[i * size + f] - mean) ** 2;
    const factor = squares > 0 ? 1 / Math.sqrt(squares / count) : 0;
    for (let i = 0; i < count; i++) rows[i][f] = (features[i * size + f] - mean) * factor;
  }
  return rows;
}

/**
 * How well a linear layer on these features answers images that it was not fitted on: ridge regression, each image predicted
 * from all others (the closed form of leave-one-out; Golub, Heath and Wahba 1979), by the best of some ridges.
 * @param features [count, size]
 * @param targets [count, outputs]
 * @returns the share of images whose largest output is right, or, where classes are not asked for, the share of the variance
 *   that is explained
 */
export function quickScore(features: Float32Array, targets: Float32Array, count: number, isClasses: boolean): number {
  const outputs = targets.length / count;
  const rows = standardised(features, count);
  const size = rows[0]?.length ?? 0;
  const means = Array.from({ length: outputs }, (_, k) => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += targets[i * outputs + k];
    return sum / count;
  });
  const similarity = new Float64Array(count * count);
  for (let i = 0; i < count; i++)
    for (let j = 0; j <= i; j++)
      similarity[i * count + j] = similarity[j * count + i] = bias + dot(rows[i], rows[j]) / size;
  let best = -Infinity;
  for (const ridge of ridges) {
    const inverse = Cholesky.of(
      similarity.map((value, at) => (at % (count + 1) === 0 ? value + ridge : value)),
      count,
    ).inverse();
    let [right, residual, variance] = [0, 0, 0];
    for (let i = 0; i < count; i++) {
      const row = inverse.subarray(i * count, (i + 1) * count);
      const predicted = means.map((_, k) => {
        let alpha = 0;
        for (let j = 0; j < count; j++) alpha += row[j] * targets[j * outputs + k];
        return targets[i * outputs + k] - alpha / row[i];
      });
      const own = targets.subarray(i * outputs, (i + 1) * outputs);
      if (largest(predicted) === largest(own)) right++;
      for (const [k, value] of predicted.entries()) {
        residual += (own[k] - value) ** 2;
        variance += (own[k] - means[k]) ** 2;
      }
    }
    best = Math.max(best, isClasses ? right / count : 1 - residual / Math.max(variance, Number.MIN_VALUE));
  }
  return best;
}
