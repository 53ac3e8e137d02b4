import * as tf from '@tensorflow/tfjs-core';
import type { Network } from '../../spaces/index.js';
import { apply, weightsFrom } from '../../spaces/models/index.js';
import { crossEntropy } from '../losses/index.js';
import { activationInputs, codeAgreement } from './activation-codes.js';
import { synapticFlow } from './flow.js';

/** The parts of one program that proxies are read from. */
export type Part = 'flow' | 'gradients' | 'codes';

/** What each part gives; a program without a part has none of its outputs. */
export interface PartOutputs {
  readonly flow: { readonly synflow: tf.Tensor };
  readonly gradients: { readonly norm: tf.Tensor; readonly saliency: tf.Tensor };
  readonly codes: { readonly agreement: tf.Tensor };
}

export type ProgramOutputs = Partial<PartOutputs['flow'] & PartOutputs['gradients'] & PartOutputs['codes']>;

/** A labelled batch as tensors: [size, height, width, channels] and one-hot [size, classes]. */
export interface LabelledImages {
  readonly images: tf.Tensor;
  readonly labels: tf.Tensor;
}

/** The weights of a network by name, on the backend. */
export type Variables = ReadonlyMap<string, tf.Variable>;

/**
 * Weights that are counted, as in Abdelfattah et al. 2021: the kernels of convolutions and dense layers; neither batch
 * norm nor biases, which are vectors.
 */
export const kernelsOf = (weights: Variables): tf.Variable[] => [...weights.values()].filter(({ rank }) => rank > 1);

/**
 * Everything that is read from one pass over the images: the gradients of the loss, and what goes into the activations.
 * Batch norm uses the batch's own statistics, as in the first step of training.
 */
function pass(
  network: Network,
  weights: Variables,
  { images, labels }: LabelledImages,
  parts: ReadonlySet<Part>,
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

/** A tensor that was kept out of a gradient's scope, as one that belongs to the caller's. */
function released(kept: tf.Tensor): tf.Tensor {
  const clone = tf.clone(kept);
  kept.dispose();
  return clone;
}

/** Computes the parts that are asked for; without images, only the flow can be. */
export function computeParts(
  network: Network,
  weights: Variables,
  batch: LabelledImages | null,
  parts: ReadonlySet<Part>,
): ProgramOutputs {
  return {
    ...(parts.has('flow') ? { synflow: synapticFlow(network, weights) } : {}),
    ...(batch === null ? {} : pass(network, weights, batch, parts)),
  };
}
