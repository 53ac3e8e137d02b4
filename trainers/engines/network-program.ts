import * as tf from '@tensorflow/tfjs-core';
import type { TaskType } from '../../base/task.js';
import type { WeightValue } from '../../spaces/models/index.js';
import { centroidScore, detectionScore } from '../losses/detection.js';
import { totalLoss, withAnswers } from '../losses/index.js';
import type { Loss } from '../schema/loss.js';
import type { AverageConfig, Gradients, Parameter } from '../optimizers/index.js';
import type { OptimizerConfig } from '../schema/train.js';
import { Random } from '../../base/random.js';
import { trainableOf, type TrainableSpec } from './trainable.js';
import { createTrainedVariables, type UpdateInputs } from './variables.js';

/** A network in training. */
export interface Student {
  /** Logits of images in training. */
  readonly apply: (images: tf.Tensor) => tf.Tensor;
  readonly loss: Loss;
}

/** The tensors of a batch. */
export interface BatchInputs {
  readonly images: tf.Tensor;
  readonly labels: tf.Tensor;
  /** The teacher's logits, if the loss needs them. */
  readonly teacher?: tf.Tensor;
}

interface StepOutputs {
  /** Loss and sum of `imageScores` before the update, as scalars. */
  readonly loss: tf.Tensor;
  readonly correct: tf.Tensor;
}

export interface GradientOutputs extends StepOutputs {
  /** Gradients of the loss, by the names of the network's parameters. */
  readonly grads: Gradients;
}

/** The sum over a batch of the score of each image. */
export const imageScores: { readonly [T in TaskType]: (labels: tf.Tensor, logits: tf.Tensor) => tf.Tensor } = {
  /** 1 for a right class. */
  classification: (labels, logits) => tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), tf.argMax(labels, 1)), 'float32')),
  /** The share of right labels. */
  'multi-label': (labels, logits) =>
    tf.sum(tf.mean(tf.cast(tf.equal(tf.greater(logits, 0), tf.greater(labels, 0.5)), 'float32'), 1)),
  /** Its part of R²: over the training images, scaled numbers have mean 0 and variance 1. */
  regression: (labels, logits) => tf.sum(tf.mean(tf.sub(1, tf.square(tf.sub(logits, labels))), 1)),
  /** The share of its cells with an object that name the class; boxes are scored after each epoch. */
  detection: detectionScore,
  centroids: centroidScore,
  /** The share of its cells whose most frequent class is right. */
  segmentation: (labels, logits) =>
    tf.sum(tf.mean(tf.cast(tf.equal(tf.argMax(logits, 3), tf.argMax(labels, 3)), 'float32'), [1, 2])),
};

/** The gradients for a batch. */
export function networkGradients(
  { apply, loss: config }: Student,
  parameters: readonly Parameter[],
  { images, labels, ...others }: BatchInputs,
): GradientOutputs {
  const teacher = others.teacher ?? null;
  let kept: { readonly logits: tf.Tensor; readonly loss: tf.Tensor } | undefined;
  const { grads } = tf.variableGrads(
    () => {
      const logits = apply(images);
      const whole = totalLoss(config, { labels, logits, teacher });
      kept = { logits: tf.keep(logits), loss: tf.keep(whole) };
      return whole;
    },
    parameters.map(({ variable }) => variable),
  );
  if (kept === undefined) throw new Error('the loss was not computed');
  // The clones belong to the caller's scope. Kept longer, the originals would hold a whole trace.
  const [logits, loss] = [tf.clone(kept.logits), tf.clone(kept.loss)];
  tf.dispose(Object.values(kept));
  // TF.js returns no gradient for variables that the loss does not depend on.
  const all: Readonly<Record<string, tf.Tensor | null | undefined>> = grads;
  const known = parameters.flatMap(({ name, variable }) => {
    const grad = all[variable.name];
    return grad == null ? [] : [[name, grad] as const];
  });
  const targets = withAnswers(config, labels, teacher);
  const correct = imageScores[config.task ?? 'classification'](targets, logits);
  return { loss, correct, grads: new Map(known) };
}

/** The part of a specification that all programs share. */
export interface LearningSpec extends AverageConfig {
  /** Seed of the initial weights and, with other streams, of dropout noise. */
  readonly seed: number;
  readonly loss: Loss;
  readonly optimizer: OptimizerConfig;
  /**
   * A whitened stem instead of a random one. It is not trained; another stem among given initial weights is. By default the
   * stem is random and trained.
   */
  readonly stem?: WeightValue | undefined;
}

export interface ProgramSpec extends LearningSpec, TrainableSpec {}

/** The seed of a program's dropout noise. */
export const noiseSeed = ({ seed }: Pick<LearningSpec, 'seed'>): number => new Random(seed, 'dropout').bits();

type StepInputs = BatchInputs & UpdateInputs;

/** The training step of one network as functions of tensors and variables, which the engines run. */
export interface NetworkProgram {
  readonly spec: ProgramSpec;
  /** Everything that a step changes, by stable name. */
  readonly states: ReadonlyMap<string, tf.Variable>;
  /** The variables that the optimizer updates. */
  readonly parameters: readonly Parameter[];
  readonly needsTeacherLogits: boolean;
  /** The gradients for a batch by parameter name (`model/stem/kernel`); updates batch norm's statistics. */
  gradients(inputs: BatchInputs): GradientOutputs;
  /** Updates parameters, optimizer and moving average by the gradients of one or more batches. */
  update(grads: Gradients, inputs: UpdateInputs): void;
  /** Computes the gradients and updates. */
  step(inputs: StepInputs): StepOutputs;
  /** Logits of images in inference mode. */
  evaluate(images: tf.Tensor): tf.Tensor;
  dispose(): void;
}

/** Builds student, optimizer and moving average on the current TF.js backend. */
export function createNetworkProgram(spec: ProgramSpec): NetworkProgram {
  const { network, loss, optimizer, ema, stem } = spec;
  const trainable = trainableOf(network, spec);
  const trained = createTrainedVariables({
    specs: trainable.specs,
    start: trainable.start,
    stem,
    rates: spec.rates,
    optimizer,
    ema,
  });
  const { weights, evaluated, parameters } = trained;
  const student = { apply: trainable.train(weights), loss };
  const gradients = (inputs: BatchInputs): GradientOutputs => networkGradients(student, parameters, inputs);
  return {
    spec,
    states: trained.states,
    parameters,
    needsTeacherLogits: loss.type !== 'cross-entropy',
    gradients,
    update: (grads, inputs) => trained.update(grads, inputs),
    step(inputs) {
      const { grads, ...outputs } = gradients(inputs);
      trained.update(grads, inputs);
      return outputs;
    },
    evaluate: trainable.infer(evaluated),
    dispose() {
      trained.dispose();
    },
  };
}
