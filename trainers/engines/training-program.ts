import * as tf from '@tensorflow/tfjs-core';
import { Random } from '../../base/random.js';
import type { Network } from '../../spaces/index.js';
import {
  apply,
  followStatistics,
  initialWeights,
  weightsFrom,
  weightVariables,
  type Weights,
} from '../../spaces/models/index.js';
import { totalLoss, type FeaturePair } from '../losses/index.js';
import { createOptimizer, moveAverage, type Gradients, type Parameter } from '../optimizers/index.js';
import type { LossConfig, OptimizerConfig } from '../schema.js';
import { createAdapters, pairFeatures, type FeatureTeacher } from './features.js';

export interface ProgramSpec {
  readonly network: Network;
  /** Decides the initial weights and, by other streams, the adapters and the dropout noise. */
  readonly seed: number;
  /** Weights to start from instead of random ones. */
  readonly initial?: Weights;
  readonly loss: LossConfig;
  readonly optimizer: OptimizerConfig;
  /** Largest decay of the moving average of the weights; 0: none. */
  readonly ema: number;
  /** The frozen teacher whose features a loss compares with the student's; owned by the program. */
  readonly teacher: FeatureTeacher | null;
}

/** The seed of a program's dropout noise. */
export const noiseSeed = ({ seed }: ProgramSpec): number => new Random(seed, 'dropout').bits();

/** The tensors of a batch. */
export interface BatchInputs {
  readonly images: tf.Tensor;
  readonly labels: tf.Tensor;
  /** The teacher's logits, when the loss needs them. */
  readonly teacher?: tf.Tensor;
}

/** The scalars of an update. */
export interface UpdateInputs {
  readonly learningRate: tf.Tensor;
  /** Of the moving average of the weights, when there is one. */
  readonly averageDecay?: tf.Tensor;
}

export type StepInputs = BatchInputs & UpdateInputs;

export interface StepOutputs {
  /** The loss before the update, and the number of images that were right, as scalars. */
  readonly loss: tf.Tensor;
  readonly correct: tf.Tensor;
}

/** A training step as functions of tensors and variables; what the engines run, each in its way. */
export interface TrainingProgram {
  readonly spec: ProgramSpec;
  /** Everything that a step changes, by stable name. */
  readonly states: ReadonlyMap<string, tf.Variable>;
  /** What the optimizer updates. */
  readonly parameters: readonly Parameter[];
  /** The teacher's variables: constants of the program. */
  readonly frozen: ReadonlySet<tf.Variable>;
  readonly needsTeacherLogits: boolean;
  /** The gradients of a batch, by the names of parameters (`model/stem/kernel`); moves batch norm's statistics. */
  gradients(inputs: BatchInputs): StepOutputs & { readonly grads: Gradients };
  /** Updates parameters, optimizer and moving average by gradients: those of one batch, or sums of several. */
  update(grads: Gradients, inputs: UpdateInputs): void;
  /** Gradients and the update by them. */
  step(inputs: StepInputs): StepOutputs;
  /** Logits of images in inference mode. */
  evaluate(images: tf.Tensor): tf.Tensor;
  dispose(): void;
}

const countCorrect = (labels: tf.Tensor, logits: tf.Tensor): tf.Tensor =>
  tf.sum(tf.cast(tf.equal(tf.argMax(logits, 1), tf.argMax(labels, 1)), 'float32'));

const prefixed = (prefix: string, variables: Iterable<readonly [string, tf.Variable]>): [string, tf.Variable][] =>
  [...variables].map(([name, variable]) => [`${prefix}/${name}`, variable]);

/** Builds student, adapters, optimizer and moving average on the current TF.js backend. */
export function createTrainingProgram(spec: ProgramSpec): TrainingProgram {
  const { network, loss: lossConfig, teacher: featureTeacher } = spec;
  const start = spec.initial ?? initialWeights(network, spec.seed);
  const weights = weightVariables({ network, weights: start });
  const averages = spec.ema > 0 ? weightVariables({ network, weights: start }) : null;
  const pairs = featureTeacher === null ? null : pairFeatures(network, featureTeacher);
  const adapters =
    pairs === null || lossConfig.type === 'cross-entropy' || lossConfig.hints === 0
      ? null
      : createAdapters(pairs, new Random(spec.seed, 'adapters'));

  const models = prefixed('model', weights);
  const parameters: Parameter[] = [
    ...models.filter(([, { trainable }]) => trainable).map(([name, variable]) => ({ name, variable })),
    ...(adapters?.parameters ?? []),
  ];
  const optimizer = createOptimizer(spec.optimizer, parameters);
  const states = new Map<string, tf.Variable>([
    ...models,
    ...prefixed('average', averages ?? []),
    ...(adapters?.parameters ?? []).map(({ name, variable }) => [name, variable] as const),
    ...prefixed('optimizer', optimizer.slots),
  ]);
  const values = [...weights.values()];
  const averaged = [...(averages?.values() ?? [])].map((average, i) => [average, values[i]] as const);
  const trained = parameters.map(({ variable }) => variable);
  const training = {
    training: true,
    statistics: followStatistics(weights),
    ...(pairs === null ? {} : { features: pairs.layers }),
  };

  const forward = (images: tf.Tensor): { logits: tf.Tensor; features: FeaturePair[] } => {
    const { logits, features } = apply(network, weightsFrom(weights), images, training);
    const theirs = featureTeacher?.maps(images, pairs?.resolutions ?? []) ?? [];
    return {
      logits,
      features: features.map((student, i) => ({
        student,
        teacher: theirs[i],
        adapt: (x) => adapters?.apply(i, x) ?? x,
      })),
    };
  };

  const gradients: TrainingProgram['gradients'] = ({ images, labels, teacher = null }) => {
    let correct: tf.Tensor | undefined;
    const { value: loss, grads } = tf.variableGrads(() => {
      const { logits, features } = forward(images);
      correct = tf.keep(countCorrect(labels, logits));
      return totalLoss(lossConfig, { labels, logits, teacher, features });
    }, trained);
    if (correct === undefined) throw new Error('the loss was not computed');
    // Kept alive out of the gradient's scope; its clone belongs to the caller's.
    const counted = tf.clone(correct);
    correct.dispose();
    return {
      loss,
      correct: counted,
      grads: new Map(parameters.map(({ name, variable }) => [name, grads[variable.name]])),
    };
  };

  const update: TrainingProgram['update'] = (grads, { learningRate, averageDecay }) => {
    optimizer.apply(grads, learningRate);
    if (averageDecay !== undefined) moveAverage(averaged, averageDecay);
  };

  return {
    spec,
    states,
    parameters,
    frozen: new Set(featureTeacher?.frozen),
    needsTeacherLogits: lossConfig.type !== 'cross-entropy',
    gradients,
    update,
    step(inputs) {
      const { grads, ...outputs } = gradients(inputs);
      update(grads, inputs);
      return outputs;
    },
    evaluate: (images) => apply(network, weightsFrom(averages ?? weights), images, { training: false }).logits,
    dispose() {
      for (const variable of states.values()) variable.dispose();
      featureTeacher?.dispose();
    },
  };
}
