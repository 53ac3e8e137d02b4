import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Graph } from '../../compiler/index.js';
import { histogram, targetWith, trace, verifyGraph } from '../../compiler/index.js';
import { shapeIn, sizeOf } from '../../compiler/graph/index.js';
import { optimized } from '../../compiler/compile.js';
import type { Block, Network } from '../../spaces/index.js';
import { mbconv as mbconvBlock, type Act } from './support/blocks.js';
import { trainingOf } from './support/models.js';
import { distillationLoss } from './support/networks.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});
afterEach(() => tf.disposeVariables());

const mbconv =
  (act: Act) =>
  (filters: number, expand: number, kernel: number, stride: 1 | 2, se = 0): Block =>
    mbconvBlock(filters, expand, kernel, stride, se, act);
const basic = (filters: number, stride: 1 | 2): Block => ({ kind: 'basic', filters, kernel: 3, stride, act: 'relu' });

interface Reference {
  readonly network: Network;
  readonly batch: number;
}
const reference = (
  batch: number,
  input: [number, number, number],
  classes: number,
  stem: Network['stem'],
  blocks: readonly Block[],
  head: Network['head'],
): Reference => ({ batch, network: { kind: 'network', input, classes, stem, blocks, head } });

const [relu6, swish, relu, hardSwish] = [mbconv('relu6'), mbconv('swish'), mbconv('relu'), mbconv('hard_swish')];

/** The four networks of the training benchmark. */
const references: Readonly<Record<string, Reference>> = {
  mbv2_32: reference(
    64,
    [32, 32, 3],
    10,
    { filters: 16, kernel: 3, stride: 1, act: 'relu6' },
    [
      relu6(16, 1, 3, 1),
      relu6(24, 4, 3, 2),
      relu6(24, 4, 3, 1),
      relu6(40, 4, 5, 2),
      relu6(40, 4, 5, 1),
      relu6(80, 4, 3, 2),
      relu6(80, 4, 3, 1),
    ],
    { filters: 256, act: 'relu6', dropout: 0 },
  ),
  mbv3_fashion: reference(
    128,
    [28, 28, 1],
    10,
    { filters: 16, kernel: 3, stride: 2, act: 'hard_swish' },
    [
      relu(16, 1, 3, 1),
      relu(24, 3, 3, 2),
      relu(24, 3, 3, 1, 0.25),
      hardSwish(40, 4, 5, 2, 0.25),
      hardSwish(40, 4, 5, 1, 0.25),
    ],
    { filters: 160, act: 'hard_swish', dropout: 0 },
  ),
  effnet_64: reference(
    32,
    [64, 64, 3],
    100,
    { filters: 24, kernel: 3, stride: 2, act: 'swish' },
    [
      swish(16, 1, 3, 1, 0.25),
      swish(24, 6, 3, 2, 0.25),
      swish(24, 6, 3, 1, 0.25),
      swish(40, 6, 5, 2, 0.25),
      swish(40, 6, 5, 1, 0.25),
      swish(80, 6, 3, 2, 0.25),
      swish(112, 6, 5, 1, 0.25),
    ],
    { filters: 320, act: 'swish', dropout: 0 },
  ),
  resnet_teacher_32: reference(
    64,
    [32, 32, 3],
    10,
    { filters: 32, kernel: 3, stride: 1, act: 'relu' },
    [basic(32, 1), basic(64, 2), basic(128, 2), basic(128, 1)],
    { filters: 256, act: 'relu', dropout: 0 },
  ),
};

/** One distillation step of the network, traced for these blocks. */
function trainingGraph({ network, batch }: Reference, block: number | null): Graph {
  const { logits, trainable } = trainingOf(network, 'golden');
  const optimizer = tf.train.momentum(0.05, 0.9);
  const step = ({ x, y, teacher }: Record<string, tf.Tensor>): { loss: tf.Tensor } => {
    const loss = optimizer.minimize(() => distillationLoss(y, logits(x), teacher), true, trainable);
    if (!loss) throw new Error('minimize returned no loss');
    return { loss };
  };
  const rows = [batch, network.classes];
  const target = targetWith(block, { without: ['depthwise convolutions as matrix products'] });
  const traced = trace(
    step,
    { x: { shape: [batch, ...network.input] }, y: { shape: rows }, teacher: { shape: rows } },
    { target },
  );
  return optimized(traced, target, undefined, verifyGraph).graph;
}

/** Bytes of the values that a node copies into another layout or shape of memory. */
const moving: readonly string[] = ['Transpose', 'Concat', 'Split', 'Pad', 'Slice', 'Expand'];

function statistics(graph: Graph) {
  const counts = histogram(graph);
  const count = (...ops: string[]): number => ops.reduce((sum, op) => sum + (counts[op] ?? 0), 0);
  const megabytes = (ops: readonly string[]): number => {
    const bytes = graph.nodes
      .filter(({ op }) => ops.includes(op))
      .flatMap(({ outputs }) => outputs)
      .map((name) => 4 * sizeOf(shapeIn(graph, name)));
    return Math.round(bytes.reduce((a, b) => a + b, 0) / 1e6);
  };
  return {
    nodes: graph.nodes.length,
    convolutions: count('Conv', 'nchwc.Conv', 'ConvTranspose'),
    products: count('MatMul'),
    elementwise: count('Add', 'Sub', 'Mul', 'Div', 'Abs', 'HardSigmoid', 'Sigmoid', 'QuickGelu', 'Relu', 'Clip'),
    normalisations: count('BatchNormalization'),
    reductions: count('ReduceSum', 'ReduceMean', 'nchwc.GlobalAveragePool'),
    transposes: count('Transpose'),
    reorders: count('nchwc.ReorderInput', 'nchwc.ReorderOutput'),
    'MB reordered': megabytes(['nchwc.ReorderInput', 'nchwc.ReorderOutput']),
    'MB moved': megabytes(moving),
  };
}

/** What a change of the compiler does to the graphs of the benchmark shows here. */
describe('the training graph of', () => {
  for (const [name, each] of Object.entries(references))
    it(`${name} is what it was`, () => {
      const [blocked, plain] = [trainingGraph(each, 16), trainingGraph(each, null)];
      expect({ blocked: statistics(blocked), plain: statistics(plain) }).toMatchSnapshot();
    });
});
