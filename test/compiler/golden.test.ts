import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { contentHash } from '../../base/hash.js';
import { histogram, shapeIn, sizeOf, targetWith, trace, type Graph } from '../../compiler/index.js';
import { encodeModel } from '../../compiler/onnx/model.js';
import { optimized } from '../../compiler/compile.js';
import { referenceNetworks, type ReferenceNetwork } from '../support/reference-networks.js';
import { trainingOf } from './support/models.js';
import { distillationLoss } from './support/networks.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});
afterEach(() => tf.disposeVariables());

/** One distillation step of the network, traced for these blocks. */
function trainingGraph({ network, batch }: ReferenceNetwork, block: number | null): Graph {
  // Variables are named by a number of the process, and operands are ordered by name: 99 comes after 100.
  tf.disposeVariables();
  Object.assign(tf.engine().constructor, { nextVariableId: 100_000 });
  const { logits, trainable } = trainingOf(network, 'golden');
  const optimizer = tf.train.momentum(0.05, 0.9);
  const step = ({ x, y, teacher }: Record<string, tf.Tensor>): { loss: tf.Tensor } => {
    const loss = optimizer.minimize(() => distillationLoss(y, logits(x), teacher), true, trainable);
    if (!loss) throw new Error('minimize returned no loss');
    return { loss };
  };
  const rows = [batch, network.classes];
  const target = { ...targetWith(block), matrices: false };
  const traced = trace(
    step,
    { x: { shape: [batch, ...network.input] }, y: { shape: rows }, teacher: { shape: rows } },
    { target },
  );
  return optimized(traced, target).graph;
}

/** Bytes of values that a node copies to another memory layout or shape. */
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

/** The bytes of the ONNX file, with values named in the order in which they appear: variables are numbered by the process. */
function fileHash(graph: Graph): string {
  const names = new Map([['', '']]);
  const named = (name: string): string => {
    const known = names.get(name) ?? `v${names.size}`;
    names.set(name, known);
    return known;
  };
  const ports = <P extends { readonly name: string }>(all: readonly P[]): P[] =>
    all.map((port) => ({ ...port, name: named(port.name) }));
  const inputs = ports(graph.inputs);
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(named),
    outputs: node.outputs.map(named),
  }));
  const outputs = ports(graph.outputs);
  const constants = new Map([...graph.constants].map(([name, constant]) => [named(name), constant]));
  return contentHash(encodeModel({ ...graph, inputs, nodes, outputs, constants }, { name: 'golden' }));
}

/** A change of the compiler that changes the benchmark's graphs fails here. */
describe('the training graph of', () => {
  for (const [name, each] of Object.entries(referenceNetworks))
    it(`${name} is what it was`, () => {
      const [blocked, plain] = [trainingGraph(each, 16), trainingGraph(each, null)];
      expect({ blocked: statistics(blocked), plain: statistics(plain) }).toMatchSnapshot();
      expect([blocked, plain].map(fileHash)).toMatchSnapshot();
    });
});
