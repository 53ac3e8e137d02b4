import type * as tf from '@tensorflow/tfjs-core';
import { Random } from '../../base/random.js';
import type { Network } from '../../spaces/index.js';
import {
  apply,
  followStatistics,
  initialWeights,
  weightsFrom,
  weightSpecs,
  type WeightResolver,
  type Weights,
} from '../../spaces/models/index.js';
import type { Gradients, Parameter } from '../optimizers/index.js';
import type { LossConfig, OptimizerConfig, Precision } from '../schema.js';
import { roundedWeights, roundingMode, type Quantization } from '../quantize-aware/rounding.js';
import { compareFeatures, type FeatureTeacher } from './features.js';
import { LossScaling } from './loss-scaling.js';
import { networkGradients, type BatchInputs, type GradientOutputs, type StepOutputs } from './network-gradients.js';
import { createTrained, prefixed, type UpdateInputs } from './trained.js';

/** What any training learns by. */
export interface LearningSpec {
  /** Decides the initial weights and, by other streams, the adapters and the dropout noise. */
  readonly seed: number;
  readonly loss: LossConfig;
  readonly optimizer: OptimizerConfig;
  /** Largest decay of the moving average of the weights; 0: none. */
  readonly ema: number;
  /** The frozen teacher whose features a loss compares with the student's; owned by the program. */
  readonly teacher: FeatureTeacher | null;
}

export interface ProgramSpec extends LearningSpec {
  readonly network: Network;
  /** `mixed`: compiled, products are float16, and the loss is scaled; default float32. */
  readonly precision?: Precision | undefined;
  /** Weights to start from instead of random ones. */
  readonly initial?: Weights;
  /** What weights and values are rounded to, in training as in evaluation; batch norm's statistics stay. Default: nothing is. */
  readonly quantization?: Quantization | undefined;
}

/** The seed of a program's dropout noise. */
export const noiseSeed = ({ seed }: Pick<LearningSpec, 'seed'>): number => new Random(seed, 'dropout').bits();

export type StepInputs = BatchInputs & UpdateInputs;

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
  gradients(inputs: BatchInputs): GradientOutputs;
  /** Updates parameters, optimizer and moving average by gradients: those of one batch, or sums of several. */
  update(grads: Gradients, inputs: UpdateInputs): void;
  /** Gradients and the update by them. */
  step(inputs: StepInputs): StepOutputs;
  /** Logits of images in inference mode. */
  evaluate(images: tf.Tensor): tf.Tensor;
  dispose(): void;
}

/** Builds student, adapters, optimizer and moving average on the current TF.js backend. */
export function createTrainingProgram(spec: ProgramSpec): TrainingProgram {
  const { network, loss, teacher, seed, optimizer, ema, quantization } = spec;
  const features = teacher === null ? null : compareFeatures(network, teacher, loss, seed);
  const trained = createTrained({
    specs: weightSpecs(network),
    start: spec.initial ?? initialWeights(network, seed),
    others: features?.parameters ?? [],
    optimizer,
    ema,
  });
  const { weights, evaluated, parameters } = trained;
  const scaling = spec.precision === 'mixed' ? new LossScaling() : null;
  const states = new Map([...trained.states, ...prefixed('loss_scaling', scaling?.slots ?? [])]);
  const rounding = quantization === undefined ? null : roundingMode(network, quantization);
  const resolve = (variables: ReadonlyMap<string, tf.Variable>): WeightResolver =>
    quantization === undefined ? weightsFrom(variables) : roundedWeights(weightsFrom(variables), quantization);
  const student = {
    network,
    weights: resolve(weights),
    mode: rounding ?? { training: true, statistics: followStatistics(weights) },
    loss,
    features,
  };
  const gradients = (inputs: BatchInputs): GradientOutputs => networkGradients(student, parameters, inputs);
  return {
    spec,
    states,
    parameters,
    frozen: new Set(teacher?.frozen),
    needsTeacherLogits: loss.type !== 'cross-entropy',
    gradients,
    update: (grads, inputs) => trained.update(grads, inputs),
    step(inputs) {
      const update = (grads: Gradients): void => trained.update(grads, inputs);
      if (scaling !== null)
        return scaling.step(trained.states.values(), (lossScale) => gradients({ ...inputs, lossScale }), update);
      const { grads, ...outputs } = gradients(inputs);
      update(grads);
      return outputs;
    },
    evaluate: (images) => apply(network, resolve(evaluated), images, rounding ?? { training: false }).logits,
    dispose() {
      trained.dispose();
      scaling?.dispose();
      teacher?.dispose();
    },
  };
}
