import type * as tf from '@tensorflow/tfjs-core';
import { sharedName, styleOf, withoutDropout, type Member, type Network } from '../../spaces/index.js';
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
import { createTrainedVariables, GradientSums, type UpdateInputs } from '../engines/variables.js';
import {
  type BatchInputs,
  type GradientOutputs,
  type LearningSpec,
  networkGradients,
  type Student,
} from '../engines/network-program.js';
import { startShared } from '../weights.js';
import type { Trainee, Sandwich } from './sandwich.js';

export interface SupernetSpec extends LearningSpec {
  readonly sandwich: Sandwich;
  /** The weights that the members share (`sharedSpecs`). */
  readonly shared: readonly WeightSpec[];
  /** Initial weights by shared name; missing ones are random. */
  readonly initial?: Weights | undefined;
  /** As `TrainableSpec`, by shared name. */
  readonly rates?: ReadonlyMap<string, number> | undefined;
}

/** A sandwich step as functions of tensors and variables, which the engines run. */
export interface SupernetProgram {
  readonly spec: SupernetSpec;
  /** Everything that a step changes, by stable name. */
  readonly states: ReadonlyMap<string, tf.Variable>;
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
const ownSpecs = (member: Member): WeightSpec[] =>
  weightSpecs(member.network)
    .filter(({ trainable }) => !trainable)
    .map((spec) => ({ ...spec, name: sharedName(member, spec.name) }));

/** All weights of a supernet, with the statistics of the largest member, and their values before the first step. */
export function initialSupernet({ sandwich, shared, seed, stem, initial = new Map() }: SupernetSpec) {
  const { largest } = sandwich;
  const specs = [...shared, ...ownSpecs(largest)];
  return { specs, start: startShared(specs, seed, largest.network.classes, initial, stem) };
}

/** A network in training. */
const applied =
  (network: Network, weights: WeightResolver, mode: Mode): Student['apply'] =>
  (images) =>
    apply(network, weights, images, mode).logits;

/** Builds shared weights, optimizer and moving average on the current TF.js backend. */
export function createSupernetProgram(spec: SupernetSpec): SupernetProgram {
  const { loss, optimizer, rates, ema, stem } = spec;
  const { largest } = spec.sandwich;
  const trained = createTrainedVariables({ ...initialSupernet(spec), stem, optimizer, rates, ema, partial: true });
  const { weights, evaluated, states, parameters } = trained;
  const sums = new GradientSums(parameters);

  /** The statistics by the largest network's own names. */
  const statistics = new Map<string, tf.Variable>();
  for (const { name, trainable } of weightSpecs(largest.network)) {
    const variable = weights.get(sharedName(largest, name));
    if (!trainable && variable !== undefined) statistics.set(name, variable);
  }
  const first: Student = {
    apply: applied(largest.network, sharedWeights(largest, weights), {
      training: true,
      statistics: followStatistics(statistics, styleOf(largest.network)),
    }),
    loss,
  };
  const studentOf = ({ role, member }: Trainee): Student =>
    role === 'largest'
      ? first
      : {
          apply: applied(withoutDropout(member.network), sharedWeights(member, weights), { training: true }),
          loss,
        };

  return {
    spec,
    states,
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
    },
  };
}
