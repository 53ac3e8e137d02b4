import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from './cross-entropy.js';
import { decoupledDistillation } from './decoupled-distillation.js';
import { attentionDistance, hintDistance } from './features.js';
import { knowledgeDistillation } from './knowledge-distillation.js';
import type { LossConfig } from './schema.js';

export { attentionDistance, crossEntropy, decoupledDistillation, hintDistance, knowledgeDistillation };
export { featureWeights, lossFor } from './schema.js';

/** Features of student and teacher at one spatial resolution, [batch, height, width, channels]. */
export interface FeaturePair {
  readonly student: tf.Tensor;
  readonly teacher: tf.Tensor;
  /** Brings the student's features to the teacher's channels; trained along. */
  readonly adapt: (student: tf.Tensor) => tf.Tensor;
}

/** What a loss may look at. */
export interface LossInputs {
  /** Soft labels [batch, classes]. */
  readonly labels: tf.Tensor;
  /** The student's logits [batch, classes]. */
  readonly logits: tf.Tensor;
  /** The teacher's logits [batch, classes]; null when nobody teaches. */
  readonly teacher: tf.Tensor | null;
  /** One pair for each resolution that student and teacher share; empty when no loss needs features. */
  readonly features: readonly FeaturePair[];
}

type LossType = LossConfig['type'];
type ConfigOf = { readonly [K in LossType]: Extract<LossConfig, { type: K }> };
type LossOf<K extends LossType> = ConfigOf[K];
type LossRules = { readonly [K in LossType]: (config: LossOf<K>, inputs: LossInputs) => tf.Tensor };

function teacherOf({ teacher }: LossInputs): tf.Tensor {
  if (teacher === null) throw new Error('a distillation loss was given no teacher logits');
  return teacher;
}

/** The mean of a distance over all pairs of features, times its weight; no operation at all when the weight is 0. */
function featureTerm(
  weight: number,
  { features }: LossInputs,
  distance: (pair: FeaturePair) => tf.Tensor,
): tf.Tensor[] {
  return weight === 0 ? [] : features.map((pair) => tf.mul(distance(pair), weight / features.length));
}

function featureTerms(config: LossOf<'kd' | 'dkd'>, inputs: LossInputs): tf.Tensor[] {
  return [
    ...featureTerm(config.hints, inputs, ({ student, teacher, adapt }) => hintDistance(adapt(student), teacher)),
    ...featureTerm(config.attention, inputs, ({ student, teacher }) => attentionDistance(student, teacher)),
  ];
}

const sum = (first: tf.Tensor, ...others: tf.Tensor[]): tf.Tensor => others.reduce((a, b) => tf.add(a, b), first);

/** How each configured loss is composed of its terms. */
const rules: LossRules = {
  'cross-entropy': (config, { labels, logits }) => crossEntropy(labels, logits, config.label_smoothing),
  kd: (config, inputs) =>
    sum(
      tf.mul(crossEntropy(inputs.labels, inputs.logits, config.label_smoothing), 1 - config.alpha),
      tf.mul(knowledgeDistillation(teacherOf(inputs), inputs.logits, config.temperature), config.alpha),
      ...featureTerms(config, inputs),
    ),
  dkd: (config, inputs) =>
    sum(
      crossEntropy(inputs.labels, inputs.logits, config.label_smoothing),
      decoupledDistillation(inputs.labels, teacherOf(inputs), inputs.logits, config),
      ...featureTerms(config, inputs),
    ),
};

/** The configured loss: pure TF.js operations that read no data, so it runs eagerly and traces. */
export function totalLoss<K extends LossType>(config: LossOf<K>, inputs: LossInputs): tf.Scalar {
  // Every term is a mean over everything.
  return rules[config.type](config, inputs) as tf.Scalar;
}
