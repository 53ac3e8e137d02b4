import * as tf from '@tensorflow/tfjs-core';
import { Random } from '../../../base/random.js';
import {
  exportForeign,
  foreignNetwork,
  runOnnx,
  toStorage,
  type ForeignNetwork,
  type WeightSource,
} from '../../../compiler/index.js';
import { weightsFrom } from '../../../spaces/models/index.js';
import { bytesOfModel, node, type ConstantText, type ModelText, type NodeText } from '../support/onnx-models.js';

/** Random numbers of a standard normal distribution. */
export function normal(size: number, seed: number | string): Float32Array {
  const random = new Random(1, 'foreign', String(seed));
  return Float32Array.from({ length: size }, () => random.normal());
}

/** The file's own weights. */
export const ownWeights = (network: Pick<ForeignNetwork, 'weights'>): WeightSource =>
  weightsFrom(new Map(network.weights.map((weight) => [weight.name, weight])));

/** A classifier file: nodes from `x` to `m`, which is flattened and multiplied by a matrix. */
export function classifierOf(
  nodes: readonly NodeText[],
  features: number,
  { constants = {}, ...more }: Partial<ModelText> = {},
): Uint8Array {
  const own: Record<string, ConstantText> = {
    'head.weight': [[features, 4], normal(features * 4, 'head').map((x) => x / Math.sqrt(features))],
    'head.bias': [[4], normal(4, 'bias')],
  };
  const head = [node('Flatten', 'm', 'flat', { axis: 1 }), node('Gemm', 'flat head.weight head.bias', 'y')];
  return bytesOfModel({ nodes: [...nodes, ...head], constants: { ...constants, ...own }, ...more });
}

export interface Compared {
  readonly network: ForeignNetwork;
  /** The largest distance of our logits from ONNX Runtime's on the original file, and of their probabilities. */
  readonly distance: number;
}

/** Runs a file as it is, and as the network that is read from it and exported again, on the same random images. */
export async function comparing(file: Uint8Array, batch = 2): Promise<Compared> {
  const network = foreignNetwork(file);
  const [height, width, channels] = network.input;
  const size = [height, width, channels];
  const images = normal(batch * height * width * channels, 'images');
  const isFirst = network.layout === 'NCHW';
  const own = isFirst ? toStorage(images, [batch, ...size], [0, 3, 1, 2]) : images;
  const expected = await runOnnx(file, 'the file', own, [batch, ...(isFirst ? [channels, height, width] : size)]);
  const exported = exportForeign(network, ownWeights(network));
  const logits = await runOnnx(exported, 'its export', images, [batch, ...size]);
  const answers = tf.tidy(() => {
    const rows = tf.tensor2d(logits, [batch, network.classes]);
    const of = { logits: rows, softmax: tf.softmax(rows), log_softmax: tf.logSoftmax(rows), sigmoid: tf.sigmoid(rows) };
    return Float32Array.from(of[network.answer].dataSync());
  });
  return { network, distance: answers.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0) };
}
