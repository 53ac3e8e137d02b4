import type * as tf from '@tensorflow/tfjs-core';
import { float, int, sizeOf } from '../graph/index.js';
import { NCHW } from '../values/layout.js';
import { Val } from '../values/value.js';
import {
  centredDots,
  covarianceOf,
  foldedGradient,
  foldedOutput,
  statisticsOf,
} from './statistics/folded-batch-norm.js';
import { affine } from './blocked/in-blocks.js';
import { channelDots, channelSums } from './statistics/sums.js';
import { type Rule, withAttrs } from './call.js';
import { scaledByChannel } from './convolution/convolution.js';
import { elementwise, numberLike } from './elementwise/elementwise.js';
import { add, multiply, subtract } from './elementwise/binary.js';
import { reduceAway } from './reduction.js';

const number = (value: Val, x: number): Val => numberLike(value, x);

const inverseDeviation = (variance: Val, epsilon: number): Val =>
  elementwise('Reciprocal', [elementwise('Sqrt', [add(variance, number(variance, epsilon))])]);

interface NormVectors {
  readonly mean: Val;
  readonly variance: Val;
  readonly offset: Val;
  readonly scale: Val;
}

/** scale * (x - mean) / sqrt(variance + epsilon) + offset, with given statistics. */
function normalize(x: Val, { mean, variance, offset, scale }: NormVectors, epsilon: number): Val {
  const channels = x.shape[x.rank - 1];
  const vectors = [scale, offset, mean, variance];
  // TF.js raises lower ranks to 4 with leading axes of size 1; these are no images.
  const isImage = x.rank === 4 && sizeOf(x.shape.slice(0, 2)) > 1;
  if (isImage && vectors.every(({ rank, shape }) => rank === 1 && shape[0] === channels)) {
    const { builder } = x;
    if (x.blockOrder !== null) {
      const factor = multiply(scale, inverseDeviation(variance, epsilon));
      return affine(x, { scale: factor, offset: subtract(offset, multiply(mean, factor)) });
    }
    const inputs = [x.fullForm(NCHW), ...vectors.map((vector) => vector.fullForm())];
    return Val.of(
      builder,
      builder.emit('BatchNormalization', inputs, { epsilon: float(epsilon) }),
      x.shape,
      'float32',
      NCHW,
    );
  }
  const factor = multiply(inverseDeviation(variance, epsilon), scale);
  return add(multiply(x, factor), subtract(offset, multiply(mean, factor)));
}

/** Batch normalisation in training: the output, and the batch's mean and (population) variance. */
export function batchNormTraining(
  x: Val,
  gamma: Val,
  beta: Val,
  epsilon: number,
  scratchId: () => number,
): readonly Val[] {
  if (x.blockOrder !== null) return blockedBatchNormTraining(x, gamma, beta, epsilon);
  const { builder } = x;
  const channels = x.shape[3];
  const scale = gamma.fullForm();
  // ONNX Runtime overwrites the running inputs with the running outputs: every node needs two vectors of its own. Their
  // values do not matter at momentum 0, but ORT would remove an addition of 0 and overwrite the scale.
  const scratch = (): string => builder.emit('Add', [scale, builder.scalar(1 + scratchId())]);
  const [y, mean, variance] = builder.emitAll(
    'BatchNormalization',
    [x.fullForm(NCHW), scale, beta.fullForm(), scratch(), scratch()],
    { epsilon: float(epsilon), momentum: float(0), training_mode: int(1) },
    3,
  );
  const vector = (name: string): Val => Val.of(builder, name, [channels], 'float32');
  return [Val.of(builder, y, x.shape, 'float32', NCHW), vector(mean), vector(variance)];
}

/** mean = sum(x)/n, variance = sum(x^2)/n - mean^2, y = gamma*(x - mean)/sqrt(variance + epsilon) + beta. */
function blockedBatchNormTraining(x: Val, gamma: Val, beta: Val, epsilon: number): readonly Val[] {
  const covariance = covarianceOf(x);
  if (covariance) {
    const [mean, variance] = statisticsOf(x, covariance);
    const factor = multiply(gamma, inverseDeviation(variance, epsilon));
    return [foldedOutput(x, covariance, factor, subtract(beta, multiply(mean, factor))), mean, variance];
  }
  const share = number(x, 1 / sizeOf(x.shape.slice(0, 3)));
  const mean = multiply(channelSums(x), share);
  const square = multiply(channelDots(x, x), share);
  const variance = elementwise('Relu', [subtract(square, multiply(mean, mean))]);
  const factor = multiply(gamma, inverseDeviation(variance, epsilon));
  return [affine(x, { scale: factor, offset: subtract(beta, multiply(mean, factor)) }), mean, variance];
}

/** Sums over images and pixels of dy and of x*dy, both [C]. */
function sumsOfChannels(x: Val, dy: Val): readonly [Val, Val] {
  if (x.blockOrder !== null) return [channelSums(dy), channelDots(x, dy)];
  const { builder } = x;
  const channels = x.shape[3];
  const [xName, dyName] = [x.fullForm(NCHW), dy.fullForm(NCHW)];
  const sum = (name: string): Val =>
    Val.of(builder, reduceAway(builder, 'ReduceSum', name, [0, 2, 3]), [channels], 'float32');
  return [sum(dyName), sum(builder.emit('Mul', [xName, dyName]))];
}

/** scale*x + offset + addend with vectors over the channels. */
function affineOfChannels(x: Val, scale: Val, offset: Val, addend: Val): Val {
  if (x.blockOrder !== null) return affine(x, { scale, offset, addend });
  const { builder } = x;
  const channels = x.shape[3];
  const constant = (value: number): string =>
    builder.addConstant(new Float32Array(channels).fill(value), [channels], 'float32');
  // BatchNormalization with mean 0 and variance 1 is the fastest plain scale*x + offset.
  const inputs = [x.fullForm(NCHW), scale.fullForm(), offset.fullForm(), constant(0), constant(1)];
  const scaled = builder.emit('BatchNormalization', inputs, { epsilon: float(0) });
  const sum = builder.emit('Add', [scaled, addend.fullForm(NCHW)]);
  return Val.of(builder, sum, x.shape, 'float32', NCHW);
}

/**
 * Gradients of x, gamma and beta: dx = a*(dy + b*x + c) with vectors a, b and c. The preceding convolution applies the
 * factor a, to its filter and its filter's gradient.
 */
export function batchNormGradient(
  x: Val,
  dy: Val,
  { gamma, mean, variance }: { readonly gamma: Val; readonly mean: Val; readonly variance: Val },
  epsilon: number,
): readonly Val[] {
  const count = sizeOf(x.shape.slice(0, 3));
  const inverse = inverseDeviation(variance, epsilon);
  const [dBeta, dot] = sumsOfChannels(x, dy);
  const covariance = x.blockOrder === null ? null : covarianceOf(x);
  const centred = covariance && centredDots(dy, dBeta, covariance);
  const dGamma = multiply(centred ? centred.dots : subtract(dot, multiply(mean, dBeta)), inverse);
  const share = number(x, -1 / count);
  const [a, b] = [multiply(gamma, inverse), multiply(multiply(inverse, dGamma), share)];
  const c = subtract(multiply(dBeta, share), multiply(b, mean));
  const folded = covariance && centred && foldedGradient(covariance, { d: dy, a, b, c, product: centred.product });
  return [scaledByChannel(affineOfChannels(x, b, c, dy), a, folded), dGamma, dBeta];
}

export const normalizationRules = {
  FusedBatchNorm: withAttrs((call, { varianceEpsilon }: tf.FusedBatchNormAttrs) => {
    const x = call.value('x');
    const channels = [x.shape[x.rank - 1]];
    const vector = (name: string, otherwise: number): Val =>
      call.optional(name) ?? Val.fill(call.builder, otherwise, channels, 'float32');
    const [mean, variance] = [call.value('mean'), call.value('variance')];
    return normalize(x, { mean, variance, offset: vector('offset', 0), scale: vector('scale', 1) }, varianceEpsilon);
  }),
} satisfies Record<string, Rule>;

interface BatchNormAttrs {
  readonly epsilon: number;
}

/** Kernels behind `normalizeBatch`. */
export const batchNormTrainingRules = {
  NasBatchNorm: withAttrs((call, { epsilon }: BatchNormAttrs) =>
    batchNormTraining(call.value('x'), call.value('gamma'), call.value('beta'), epsilon, () =>
      call.context.unique('scratch'),
    ),
  ),
  NasBatchNormGrad: withAttrs((call, { epsilon }: BatchNormAttrs) =>
    batchNormGradient(
      call.value('x'),
      call.value('dy'),
      { gamma: call.value('gamma'), mean: call.value('mean'), variance: call.value('variance') },
      epsilon,
    ),
  ),
} satisfies Record<string, Rule>;
