import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { distillationLoss } from '../support/networks.js';
import type { Inputs } from '../support/reference.js';
import type { Case } from './case.js';

type Loss = (labels: tf.Tensor, predictions: tf.Tensor) => tf.Tensor;

const cosine: Loss = (y, p) => tf.losses.cosineDistance(y, p, 1);
const regression: Readonly<Record<string, Loss>> = {
  absoluteDifference: (y, p) => tf.losses.absoluteDifference(y, p),
  'absoluteDifference, sum': (y, p) => tf.losses.absoluteDifference(y, p, undefined, tf.Reduction.SUM),
  'absoluteDifference, weighted rows': (y, p) =>
    tf.losses.absoluteDifference(y, p, tf.tensor2d([1, 0, 2, 0.5], [4, 1])),
  cosineDistance: cosine,
  hingeLoss: (y, p) => tf.losses.hingeLoss(y, p),
  huberLoss: (y, p) => tf.losses.huberLoss(y, p, undefined, 0.7),
  meanSquaredError: (y, p) => tf.losses.meanSquaredError(y, p),
  'meanSquaredError, mean': (y, p) => tf.losses.meanSquaredError(y, p, undefined, tf.Reduction.MEAN),
  'meanSquaredError, none': (y, p) => tf.losses.meanSquaredError(y, p, undefined, tf.Reduction.NONE),
  sigmoidCrossEntropy: (y, p) => tf.losses.sigmoidCrossEntropy(tf.sigmoid(y), p),
  'sigmoidCrossEntropy, smoothed': (y, p) => tf.losses.sigmoidCrossEntropy(tf.sigmoid(y), p, undefined, 0.1),
  softmaxCrossEntropy: (y, p) => tf.losses.softmaxCrossEntropy(tf.softmax(y), p),
  'softmaxCrossEntropy, smoothed': (y, p) => tf.losses.softmaxCrossEntropy(tf.softmax(y), p, undefined, 0.1),
  'metrics: meanSquaredError': tfl.metrics.meanSquaredError,
  'metrics: meanAbsoluteError': tfl.metrics.meanAbsoluteError,
  'metrics: meanAbsolutePercentageError': tfl.metrics.meanAbsolutePercentageError,
  'metrics: cosineProximity': tfl.metrics.cosineProximity,
};
const probabilities: Readonly<Record<string, Loss>> = {
  logLoss: (y, p) => tf.losses.logLoss(y, p),
  'metrics: binaryCrossentropy': tfl.metrics.binaryCrossentropy,
  'metrics: categoricalCrossentropy': tfl.metrics.categoricalCrossentropy,
};
const counts: Readonly<Record<string, Loss>> = {
  binaryAccuracy: tfl.metrics.binaryAccuracy,
  categoricalAccuracy: tfl.metrics.categoricalAccuracy,
};

const both = (f: Loss) => (inputs: Inputs) => f(inputs['y'], inputs['p']);

const distillation: Case = {
  name: 'distillation loss',
  inputs: (sample) => ({ y: sample.labels(4, 5), p: sample.normal([4, 5]), teacher: sample.normal([4, 5], 3) }),
  f: ({ y, p, teacher }) => distillationLoss(y, p, teacher),
  gradients: ['p', 'teacher'],
};

export const lossCases: readonly Case[] = [
  ...Object.entries(regression).map(([name, f]): Case => ({
    name: `loss ${name}`,
    inputs: (sample) => ({ y: sample.normal([4, 5]), p: sample.normal([4, 5]) }),
    f: both(f),
    gradients: ['p'],
  })),
  ...Object.entries(probabilities).map(([name, f]): Case => ({
    name: `loss ${name}`,
    inputs: (sample) => ({ y: sample.labels(4, 5), p: sample.between(0.05, 0.95, [4, 5]) }),
    f: both(f),
    gradients: ['p'],
  })),
  ...Object.entries(counts).map(([name, f]): Case => ({
    name: `metric ${name}`,
    inputs: (sample) => ({ y: sample.labels(4, 5), p: sample.between(0, 1, [4, 5]) }),
    f: both(f),
  })),
  distillation,
];
