import type * as tf from '@tensorflow/tfjs-core';
import { sharedName, styleOf, type Member, type Network } from '../../spaces/index.js';
import {
  apply,
  followStatistics,
  type Mode,
  sharedWeights,
  type WeightResolver,
  weightSpecs,
  type Weights,
  type WeightSpec,
} from '../../spaces/models/index.js';
import { compareFeatures } from '../engines/features.js';
import { createTrainedVariables, GradientSums, type UpdateInputs } from '../engines/variables.js';
import {
  type BatchInputs,
  type GradientOutputs,
  type LearningSpec,
  networkGradients,
  type Student,
} from '../engines/network-program.js';
import { startShared } from '../weights.js';
import type { Loss } from '../schema/loss.js';
import type { Trainee, Sandwich } from './sandwich.js';

export interface SupernetSpec extends LearningSpec {
  readonly sandwich: Sandwich;
  /** The weights that the members share (`sharedSpecs`). */
  readonly shared: readonly WeightSpec[];
  /** Initial weights by shared name; missing ones are random. */
  readonly initial?: Weights | undefined;
  /** The share of the largest network's soft labels in the loss of other members, by step; null: none. */
  readonly softLabels: ((step: number) => number) | null;
}

/** A sandwich step as functions of tensors and variables, which the engines run. */
export interface SupernetProgram {
  readonly spec: SupernetSpec;
  /** Everything that a step changes, by stable name. */
  readonly states: ReadonlyMap<string, tf.Variable>;
  /** The teacher's variables: constants of the program. */
  readonly frozen: ReadonlySet<tf.Variable>;
  readonly needsTeacherLogits: boolean;
  /** `gradients` adds to them, `update` reads and clears them. */
  readonly sums: GradientSums;
  /** Adds the gradients of one member to the sums; the largest member updates its batch norm statistics. */
  gradients(trainee: Trainee, inputs: BatchInputs): Omit<GradientOutputs, 'grads'>;
  /** Updates parameters, optimizer and moving average by the sums, and clears them. */
  update(inputs: UpdateInputs): void;
  /** Logits of images in inference mode, from the largest member. */
  evaluate(images: tf.Tensor): tf.Tensor;
  dispose(): void;
}

/** The weights that a member does not share, under shared names. */
const ownSpecs = ({ network, places }: Member): WeightSpec[] =>
  weightSpecs(network)
    .filter(({ trainable }) => !trainable)
    .map((spec) => ({ ...spec, name: sharedName(places, spec.name) }));

/** The loss of the other members: features are compared only at the sizes and channels of the largest. */
const withoutFeatures = (loss: Loss): Loss =>
  loss.type === 'cross-entropy' ? loss : { ...loss, hints: 0, attention: 0 };

const withoutDropout = (network: Network): Network => ({ ...network, head: { ...network.head, dropout: 0 } });

/** A network in training. */
const applied =
  (network: Network, weights: WeightResolver, mode: Mode): Student['apply'] =>
  (images, features) =>
    apply(network, weights, images, { ...mode, features });

/** Builds shared weights, adapters, optimizer and moving average on the current TF.js backend. */
export function createSupernetProgram(spec: SupernetSpec): SupernetProgram {
  const { sandwich, shared, loss, teacher, seed, optimizer, ema, stem } = spec;
  const { largest } = sandwich;
  const features = teacher === null ? null : compareFeatures(largest.network, teacher, loss, seed);
  const specs = [...shared, ...ownSpecs(largest)];
  const others = features?.parameters ?? [];
  const start = startShared(specs, seed, largest.network.classes, spec.initial ?? new Map(), stem);
  const trained = createTrainedVariables({ specs, start, stem, others, optimizer, ema, partial: true });
  const { weights, evaluated, states, parameters } = trained;
  const sums = new GradientSums(parameters);

  /** The statistics by the largest network's own names. */
  const statistics = new Map<string, tf.Variable>();
  for (const { name, trainable } of weightSpecs(largest.network)) {
    const variable = weights.get(sharedName(largest.places, name));
    if (!trainable && variable !== undefined) statistics.set(name, variable);
  }
  const first: Student = {
    apply: applied(largest.network, sharedWeights(largest, weights), {
      training: true,
      statistics: followStatistics(statistics, styleOf(largest.network)),
    }),
    loss,
    features,
  };
  const studentOf = ({ role, member }: Trainee): Student =>
    role === 'largest'
      ? first
      : {
          apply: applied(withoutDropout(member.network), sharedWeights(member, weights), { training: true }),
          loss: withoutFeatures(loss),
          features: null,
        };

  return {
    spec,
    states,
    frozen: new Set(teacher?.frozen),
    needsTeacherLogits: loss.type !== 'cross-entropy',
    sums,
    gradients(trainee, inputs) {
      const { grads, ...outputs } = networkGradients(studentOf(trainee), parameters, inputs);
      sums.add(grads);
      return outputs;
    },
    update(inputs) {
      trained.update(sums.gradients, inputs);
      sums.clear();
    },
    evaluate: (images) => apply(largest.network, sharedWeights(largest, evaluated), images, { training: false }).logits,
    dispose() {
      trained.dispose();
      sums.dispose();
      teacher?.dispose();
    },
  };
}
