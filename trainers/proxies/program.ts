import * as tf from '@tensorflow/tfjs-core';
import { gates, type Network, trainedLayersOf } from '../../spaces/index.js';
import { apply, weightsFrom } from '../../spaces/models/index.js';
import { crossEntropy } from '../losses/index.js';
import { synapticFlow } from './flow.js';

/** The parts of the program that proxies can need. */
export type ProxyPart = 'flow' | 'gradients' | 'codes';

/** The outputs of a program's parts. */
interface ProgramOutputs {
  /** Part `flow`. */
  readonly synflow?: tf.Tensor;
  /** Part `gradients`. */
  readonly norm?: tf.Tensor;
  readonly saliency?: tf.Tensor;
  /** Part `codes`. */
  readonly agreement?: tf.Tensor;
}
/** A labelled batch as tensors: [size, height, width, channels] and one-hot [size, classes]. */
interface ProxyTensors {
  readonly images: tf.Tensor;
  readonly labels: tf.Tensor;
}

/** The weights of a network by name. */
export type Variables = ReadonlyMap<string, tf.Variable>;

/** The counted weights, as in Abdelfattah et al. 2021: kernels of convolutions and dense layers, not batch norm or biases. */
export const kernelsOf = (weights: Variables): tf.Variable[] => [...weights.values()].filter(({ rank }) => rank > 1);

/**
 * The gradients of the loss and the activation codes, from one pass over the images. Batch norm uses the batch's own
 * statistics, as in the first step of training.
 */
function pass(
  network: Network,
  weights: Variables,
  { images, labels }: ProxyTensors,
  parts: ReadonlySet<ProxyPart>,
): ProgramOutputs {
  const mode = { training: true, features: parts.has('codes') ? activationInputs(network) : [] };
  const forward = (): { logits: tf.Tensor; agreement: tf.Tensor | null } => {
    const { logits, features } = apply(network, weightsFrom(weights), images, mode);
    return { logits, agreement: features.length > 0 ? codeAgreement(features) : null };
  };
  if (!parts.has('gradients')) {
    const { agreement } = forward();
    return agreement === null ? {} : { agreement };
  }
  let kept: tf.Tensor | undefined;
  const kernels = kernelsOf(weights);
  const { grads } = tf.variableGrads(() => {
    const { logits, agreement } = forward();
    if (agreement !== null) kept = tf.keep(agreement);
    return tf.reshape<tf.Rank.R0>(crossEntropy(labels, logits), []);
  }, kernels);
  const total = (of: (gradient: tf.Tensor, kernel: tf.Variable) => tf.Tensor): tf.Tensor =>
    tf.addN(kernels.map((kernel) => of(grads[kernel.name], kernel)));
  return {
    norm: total((gradient) => tf.sqrt(tf.sum(tf.square(gradient)))),
    saliency: total((gradient, kernel) => tf.sum(tf.abs(tf.mul(gradient, kernel)))),
    ...(kept === undefined ? {} : { agreement: released(kept) }),
  };
}

/** Moves a kept tensor from a gradient's scope to the caller's scope. */
function released(kept: tf.Tensor): tf.Tensor {
  const clone = tf.clone(kept);
  kept.dispose();
  return clone;
}

/** Computes the requested parts; without images only the flow is possible. */
export function computeParts(
  network: Network,
  weights: Variables,
  batch: ProxyTensors | null,
  parts: ReadonlySet<ProxyPart>,
): ProgramOutputs {
  return {
    ...(parts.has('flow') ? { synflow: synapticFlow(network, weights) } : {}),
    ...(batch === null ? {} : pass(network, weights, batch, parts)),
  };
}

/** Names of the layers that feed an activation whose inputs' signs distinguish images; gates' do not. */
function activationInputs(network: Network): string[] {
  const layers = trainedLayersOf(network);
  return layers.flatMap((layer) =>
    layer.kind === 'activation' && !gates.some((gate) => gate === layer.act) ? [layers[layer.inputs[0]].name] : [],
  );
}

/**
 * The kernel matrix K_H of Mellor et al. 2021, [size, size]: for each pair of images, the number of activations that are on
 * for both or off for both.
 * @param inputs inputs of the activation layers: [size, ...]
 */
export function codeAgreement(inputs: readonly tf.Tensor[]): tf.Tensor {
  const agreements = inputs.map((input) => {
    const [size] = input.shape;
    const units = input.size / size;
    const on = tf.reshape(tf.cast(tf.greater(input, 0), 'float32'), [size, units]);
    // +1 for on and -1 for off: a product of two codes is agreements minus disagreements.
    const signs = tf.sub(tf.mul(on, 2), 1);
    return tf.div(tf.add(tf.matMul(signs, signs, false, true), units), 2);
  });
  return agreements.reduce((sum, agreement) => tf.add(sum, agreement));
}

/** A pivot below this share of the diagonal is rounding error: the row depends on the rows before. */
const singular = 1e-9;

/**
 * The natural logarithm of the determinant of a positive semi-definite matrix, by Cholesky factorisation. Images with equal
 * codes make it singular; each of their pivots then counts as a billionth of the diagonal, so the result is finite but far
 * below that of other matrices.
 * @param matrix [size, size], row by row
 */
export function logDeterminant(matrix: ArrayLike<number>, size: number): number {
  const factor = Array.from({ length: size }, () => new Float64Array(size));
  let sum = 0;
  for (let j = 0; j < size; j++) {
    const residual = (i: number): number => {
      let value = matrix[i * size + j];
      for (let k = 0; k < j; k++) value -= factor[i][k] * factor[j][k];
      return value;
    };
    const pivot = Math.max(residual(j), singular * Math.max(1, matrix[j * size + j]));
    sum += Math.log(pivot);
    const root = Math.sqrt(pivot);
    factor[j][j] = root;
    for (let i = j + 1; i < size; i++) factor[i][j] = residual(i) / root;
  }
  return sum;
}
