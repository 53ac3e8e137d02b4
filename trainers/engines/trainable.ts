import type * as tf from '@tensorflow/tfjs-core';
import { followNorms, type ForeignNetwork, type ForeignOutputs } from '../../compiler/index.js';
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

/** A network that a file of another program gives: a classifier, or a detector on its maps. */
export interface FileNetwork extends Pick<ForeignNetwork, 'input' | 'classes' | 'weights'> {
  apply(...from: Parameters<ForeignNetwork['apply']>): Pick<ForeignOutputs, 'logits'>;
  /** The shapes of one image's targets and outputs; absent: [classes]. */
  readonly rows?: Readonly<Record<'targets' | 'outputs', readonly number[]>>;
}

/** The network of a program, and how it is trained. */
export interface TrainableSpec {
  /** Of a space, or read from a file of another program. */
  readonly network: Network | FileNetwork;
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

function ofFile(network: FileNetwork, { initial, frozenNorms = false }: Options): Trainable {
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

const isForeign = (network: Network | FileNetwork): network is FileNetwork => 'apply' in network;

/** The shapes of one image's targets and outputs. */
export const rowsOf = (network: Network | FileNetwork): NonNullable<FileNetwork['rows']> =>
  isForeign(network)
    ? (network.rows ?? { targets: [network.classes], outputs: [network.classes] })
    : { targets: targetShape(network), outputs: outputShape(network) };

/** What a program trains: a network of a space, or one of another program. */
export const trainableOf = (network: Network | FileNetwork, options: Options): Trainable =>
  isForeign(network) ? ofFile(network, options) : ofSpace(network, options);
