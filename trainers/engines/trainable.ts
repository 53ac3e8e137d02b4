import type * as tf from '@tensorflow/tfjs-core';
import { followNorms, type ForeignNetwork } from '../../compiler/index.js';
import { outputShape, styleOf, targetShape, type Network } from '../../spaces/index.js';
import {
  apply,
  followStatistics,
  type Weights,
  weightsFrom,
  type WeightSpec,
  type WeightValue,
  weightSpecs,
} from '../../spaces/models/index.js';
import { freshWeights } from '../weights.js';

type Variables = ReadonlyMap<string, tf.Variable>;

/** A network as programs train it. */
export interface Trainable {
  readonly specs: readonly WeightSpec[];
  readonly start: Weights;
  /** Logits in training; follows batch norm's statistics. */
  train(variables: Variables): (images: tf.Tensor) => tf.Tensor;
  /** Logits in inference. */
  infer(variables: Variables): (images: tf.Tensor) => tf.Tensor;
}

/** The network of a program, and how it is trained. */
export interface TrainableSpec {
  /** Of a space, or read from a file of another program. */
  readonly network: Network | ForeignNetwork;
  /** Initial weights; default: random for a network of a space, the file's weights for a foreign network. */
  readonly initial?: Weights;
  /** Whether batch norms keep their moving statistics, and are by these; default false. */
  readonly frozenNorms?: boolean | undefined;
  /** Share of the learning rate by weight name; 0: the weight stays as it is. Default: 1 for all. */
  readonly rates?: ReadonlyMap<string, number> | undefined;
}

interface Options extends Omit<TrainableSpec, 'network'> {
  readonly seed: number;
  readonly stem?: WeightValue | undefined;
}

function ofSpace(network: Network, { seed, stem, initial, frozenNorms = false }: Options): Trainable {
  const specs = weightSpecs(network);
  return {
    specs,
    start: initial ?? freshWeights(specs, seed, stem),
    train(variables) {
      const statistics = followStatistics(variables, styleOf(network));
      const mode = { training: true, frozenNorms, statistics };
      return (images) => apply(network, weightsFrom(variables), images, mode).logits;
    },
    infer: (variables) => (images) => apply(network, weightsFrom(variables), images, { training: false }).logits,
  };
}

function ofFile(network: ForeignNetwork, { initial, frozenNorms = false }: Options): Trainable {
  const { weights } = network;
  return {
    specs: weights.map(({ name, shape, isTrainable }) => ({ name, shape, trainable: isTrainable, std: 0, fill: 0 })),
    start: initial ?? new Map(weights.map(({ name, shape, data }) => [name, { shape, data }])),
    train(variables) {
      const mode = { training: true, frozenNorms, statistics: followNorms(variables) };
      return (images) => network.apply(weightsFrom(variables), images, mode).logits;
    },
    infer: (variables) => (images) => network.apply(weightsFrom(variables), images, { training: false }).logits,
  };
}

const isForeign = (network: Network | ForeignNetwork): network is ForeignNetwork => 'apply' in network;

/** The shapes of one image's targets and outputs. */
export const rowsOf = (network: Network | ForeignNetwork): Readonly<Record<'targets' | 'outputs', readonly number[]>> =>
  isForeign(network)
    ? { targets: [network.classes], outputs: [network.classes] }
    : { targets: targetShape(network), outputs: outputShape(network) };

/** What a program trains: a network of a space, or one of another program. */
export const trainableOf = (network: Network | ForeignNetwork, options: Options): Trainable =>
  isForeign(network) ? ofFile(network, options) : ofSpace(network, options);
