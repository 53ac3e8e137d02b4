import * as tf from '@tensorflow/tfjs-core';
import type { Network } from '../../spaces/index.js';
import { apply, type Mode, type WeightResolver } from '../../spaces/models/index.js';
import { crossEntropy, totalLoss } from '../losses/index.js';
import type { Gradients, Parameter } from '../optimizers/index.js';
import type { LossConfig } from '../schema.js';
import type { FeatureComparison } from './features.js';

/** A network that learns. */
export interface Student {
  readonly network: Network;
  readonly weights: WeightResolver;
  /** How it is applied, but for the features. */
  readonly mode: Mode;
  readonly loss: LossConfig;
  /** What the loss compares with a teacher's features; null when it compares none. */
  readonly features: FeatureComparison | null;
}

/** The tensors of a batch. */
export interface BatchInputs {
  readonly images: tf.Tensor;
  readonly labels: tf.Tensor;
  /** The teacher's logits, when the loss needs them. */
  readonly teacher?: tf.Tensor;
  /** What another network answered, when the student learns from it, too. */
  readonly answers?: Answers;
  /** What the loss is multiplied by before it is differentiated, a power of two; default 1. */
  readonly lossScale?: tf.Tensor;
}

/** Logits [batch, classes] whose softmax is the target of a share of the loss, a scalar; the rest is the student's loss. */
export interface Answers {
  readonly logits: tf.Tensor;
  readonly share: tf.Tensor;
}

export interface StepOutputs {
  /** The loss before the update, and the number of images that were right, as scalars. */
  readonly loss: tf.Tensor;
  readonly correct: tf.Tensor;
  /** Of a scaled loss: 1 where the gradients are not finite although the scale is down to 1, else 0; a scalar. */
  readonly overflow?: tf.Tensor;
}

export interface GradientOutputs extends StepOutputs {
  /** [batch, classes]. */
  readonly logits: tf.Tensor;
  /** Of the loss times its scale, by the names of the parameters that the network has. */
  readonly grads: Gradients;
}

const countCorrect = (labels: tf.Tensor, logits: tf.Tensor): tf.Tensor =>
  tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), tf.argMax(labels, 1)), 'float32'));

/** (1 - share) loss + share CE(softmax(answers), logits). */
function mixed(loss: tf.Scalar, logits: tf.Tensor, { logits: answers, share }: Answers): tf.Scalar {
  const soft = crossEntropy(tf.softmax(answers), logits);
  return tf.add(tf.mul(loss, tf.sub(1, share)), tf.mul(soft, share));
}

/** The gradients of a batch. */
export function networkGradients(
  { network, weights, mode: plain, loss: config, features }: Student,
  parameters: readonly Parameter[],
  { images, labels, teacher, answers, lossScale }: BatchInputs,
): GradientOutputs {
  const mode: Mode = features === null ? plain : { ...plain, features: features.layers };
  let kept: { readonly logits: tf.Tensor; readonly loss: tf.Tensor } | undefined;
  const { grads } = tf.variableGrads(
    () => {
      const applied = apply(network, weights, images, mode);
      const { logits } = applied;
      const pairs = features?.pairs(images, applied.features) ?? [];
      const own = totalLoss(config, { labels, logits, teacher: teacher ?? null, features: pairs });
      const whole = answers === undefined ? own : mixed(own, logits, answers);
      kept = { logits: tf.keep(logits), loss: tf.keep(whole) };
      return lossScale === undefined ? whole : tf.mul(whole, lossScale);
    },
    parameters.map(({ variable }) => variable),
  );
  if (kept === undefined) throw new Error('the loss was not computed');
  // Kept alive out of the gradient's scope; the clones belong to the caller's. Kept longer, they would hold a whole trace.
  const [logits, loss] = [tf.clone(kept.logits), tf.clone(kept.loss)];
  tf.dispose(Object.values(kept));
  // TF.js gives none for variables that the loss does not depend on.
  const all: Readonly<Record<string, tf.Tensor | null | undefined>> = grads;
  const known = parameters.flatMap(({ name, variable }) => {
    const grad = all[variable.name];
    return grad == null ? [] : [[name, grad] as const];
  });
  return { loss, correct: countCorrect(labels, logits), logits, grads: new Map(known) };
}
