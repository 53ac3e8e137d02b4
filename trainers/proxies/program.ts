import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type { Network } from '../../spaces/index.js';
import { crossEntropy } from '../losses/index.js';
import { activationInputs, codeAgreement } from './activation-codes.js';
import { synapticFlow } from './flow.js';
import { kernelsOf } from './kernels.js';

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

/**
 * Everything that is read from one pass over the images: the gradients of the loss, and what goes into the activations.
 * Batch norm uses the batch's own statistics, as in the first step of training.
 */
function pass(
  network: Network,
  model: tfl.LayersModel,
  { images, labels }: LabelledImages,
  parts: ReadonlySet<Part>,
): ProgramOutputs {
  const tapped = activationInputs(network).map((name) => model.getLayer(name).output as tfl.SymbolicTensor);
  const probe = tfl.model({ inputs: model.inputs, outputs: [...model.outputs, ...tapped] });
  const forward = (): { logits: tf.Tensor; agreement: tf.Tensor | null } => {
    // Called with one tensor, a model gives a list when it has several outputs.
    const [logits, ...inputs] = [probe.apply(images, { training: true }) as tf.Tensor | tf.Tensor[]].flat();
    return { logits, agreement: parts.has('codes') ? codeAgreement(inputs) : null };
  };
  if (!parts.has('gradients')) {
    const { agreement } = forward();
    return agreement === null ? {} : { agreement };
  }
  let kept: tf.Tensor | undefined;
  const kernels = kernelsOf(network, model);
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
  model: tfl.LayersModel,
  batch: LabelledImages | null,
  parts: ReadonlySet<Part>,
): ProgramOutputs {
  return {
    ...(parts.has('flow') ? { synflow: synapticFlow(network, model) } : {}),
    ...(batch === null ? {} : pass(network, model, batch, parts)),
  };
}
