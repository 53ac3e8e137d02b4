import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { Random } from '../../base/random.js';
import type { Network } from '../../spaces/index.js';
import { namedWeights, toModel } from '../../spaces/models/index.js';
import { totalLoss, type FeaturePair } from '../losses/index.js';
import { createOptimizer, moveAverage, type Parameter } from '../optimizers/index.js';
import type { LossConfig, OptimizerConfig } from '../schema.js';
import { loadWeights } from '../weights.js';
import { createAdapters, pairFeatures, type Features } from './features.js';

export interface ProgramSpec {
  readonly network: Network;
  /** Decides the initial weights and, by other streams, the adapters and the dropout noise. */
  readonly seed: number;
  /** File with weights to start from instead of random ones. */
  readonly initial?: string;
  readonly loss: LossConfig;
  readonly optimizer: OptimizerConfig;
  /** Largest decay of the moving average of the weights; 0: none. */
  readonly ema: number;
  /** The frozen teacher whose features a loss compares with the student's; owned by the program. */
  readonly teacher: tfl.LayersModel | null;
}

/** The seed of a program's dropout noise. */
export const noiseSeed = ({ seed }: ProgramSpec): number => new Random(seed, 'dropout').bits();

/** The tensors of one step. */
export interface StepInputs {
  readonly images: tf.Tensor;
  readonly labels: tf.Tensor;
  readonly teacher?: tf.Tensor;
  readonly learningRate: tf.Tensor;
  readonly averageDecay?: tf.Tensor;
}

/** A training step as a function of tensors and variables; what the engines run, each in its way. */
export interface TrainingProgram {
  readonly spec: ProgramSpec;
  /** Everything that a step changes, by stable name. */
  readonly states: ReadonlyMap<string, tf.Variable>;
  /** The teacher's weights: constants of the program. */
  readonly frozen: ReadonlySet<tf.Variable>;
  readonly needsTeacherLogits: boolean;
  /** Updates the states; gives the loss and the number of images that were right, as scalars. */
  step(inputs: StepInputs): { loss: tf.Tensor; correct: tf.Tensor };
  /** Logits of images in inference mode. */
  evaluate(images: tf.Tensor): tf.Tensor;
  dispose(): void;
}

const one = (output: tf.Tensor | tf.Tensor[]): tf.Tensor => {
  if (Array.isArray(output)) throw new Error('the model has several outputs');
  return output;
};

function build(spec: ProgramSpec): tfl.LayersModel {
  const model = toModel(spec.network, { seed: spec.seed });
  if (spec.initial !== undefined) loadWeights(model, spec.initial);
  return model;
}

const countCorrect = (labels: tf.Tensor, logits: tf.Tensor): tf.Tensor =>
  tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), tf.argMax(labels, 1)), 'float32'));

/** Builds student, adapters, optimizer and moving average on the current TF.js backend. */
export function createTrainingProgram(spec: ProgramSpec): TrainingProgram {
  const student = build(spec);
  // The average is the state of a twin, so that evaluating it is applying a model.
  const average = spec.ema > 0 ? build(spec) : null;
  const features: Features | null = spec.teacher === null ? null : pairFeatures(student, spec.teacher);
  const adapters =
    features === null || spec.loss.type === 'cross-entropy' || spec.loss.hints === 0
      ? null
      : createAdapters(features, new Random(spec.seed, 'adapters'));

  const weights = namedWeights(student);
  const averages = average === null ? [] : namedWeights(average);
  const parameters: Parameter[] = [
    ...weights.filter(({ trainable }) => trainable).map(({ name, variable }) => ({ name: `model/${name}`, variable })),
    ...(adapters?.parameters ?? []),
  ];
  const optimizer = createOptimizer(spec.optimizer, parameters);
  const states = new Map<string, tf.Variable>([
    ...weights.map(({ name, variable }) => [`model/${name}`, variable] as const),
    ...averages.map(({ name, variable }) => [`average/${name}`, variable] as const),
    ...(adapters?.parameters ?? []).map(({ name, variable }) => [name, variable] as const),
    ...[...optimizer.slots].map(([name, variable]) => [`optimizer/${name}`, variable] as const),
  ]);
  const averaged = averages.map(({ variable }, i) => [variable, weights[i].variable] as const);
  const trained = parameters.map(({ variable }) => variable);

  const forward = (images: tf.Tensor): { logits: tf.Tensor; pairs: FeaturePair[] } => {
    if (features === null) return { logits: one(student.apply(images, { training: true }) as tf.Tensor), pairs: [] };
    const [logits, ...own] = features.student.apply(images, { training: true }) as tf.Tensor[];
    const theirs = [features.teacher.apply(images, { training: false }) as tf.Tensor | tf.Tensor[]].flat();
    const pairs = own.map((tensor, i) => ({
      student: tensor,
      teacher: theirs[i],
      adapt: (x: tf.Tensor) => adapters?.apply(i, x) ?? x,
    }));
    return { logits, pairs };
  };

  return {
    spec,
    states,
    frozen: new Set(spec.teacher === null ? [] : namedWeights(spec.teacher).map(({ variable }) => variable)),
    needsTeacherLogits: spec.loss.type !== 'cross-entropy',
    step({ images, labels, teacher, learningRate, averageDecay }) {
      let correct: tf.Tensor | undefined;
      const { value: loss, grads } = tf.variableGrads(() => {
        const { logits, pairs } = forward(images);
        correct = tf.keep(countCorrect(labels, logits));
        return totalLoss(spec.loss, { labels, logits, teacher: teacher ?? null, features: pairs });
      }, trained);
      optimizer.apply(grads, learningRate);
      if (averageDecay !== undefined) moveAverage(averaged, averageDecay);
      if (correct === undefined) throw new Error('the loss was not computed');
      // Kept alive out of the gradient's scope; its clone belongs to the caller's.
      const counted = tf.clone(correct);
      correct.dispose();
      return { loss, correct: counted };
    },
    evaluate: (images) => one((average ?? student).apply(images, { training: false }) as tf.Tensor),
    dispose() {
      for (const variable of states.values()) variable.dispose();
      spec.teacher?.dispose();
    },
  };
}
