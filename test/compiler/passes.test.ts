import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { histogram, printGraph, trace, withSession, type Graph } from '../../compiler/index.js';
import { encodeModel } from '../../compiler/onnx/model.js';
import { inference, runPasses } from '../../compiler/passes/pipelines.js';
import { portable } from '../../compiler/target.js';
import { Random } from '../../base/random.js';
import { product } from '../../base/statistics.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const simplifyInference = (graph: Graph): Graph => runPasses({ graph }, inference, portable).graph;

const numbers = (key: string, shape: number[], low = -1, high = 1): tf.Tensor => {
  const random = new Random(1, key);
  const size = product(shape);
  return tf.tensor(
    Float32Array.from({ length: size }, () => low + (high - low) * random.uniform()),
    shape,
  );
};

async function run(graph: Graph, x: tf.Tensor): Promise<Float32Array> {
  const feeds = { x: new ort.Tensor('float32', x.dataSync<'float32'>(), x.shape) };
  const { output } = await withSession(encodeModel(graph, { name: 'test' }), {}, (session) => session.run(feeds));
  return output.data as Float32Array;
}

const norm = (x: tf.Tensor, channels: number): tf.Tensor =>
  tf.batchNorm4d(
    x as tf.Tensor4D,
    numbers('mean', [channels]) as tf.Tensor1D,
    numbers('variance', [channels], 0.5, 2) as tf.Tensor1D,
    numbers('beta', [channels]) as tf.Tensor1D,
    numbers('gamma', [channels]) as tf.Tensor1D,
    1e-3,
  );

const models: Record<string, (x: tf.Tensor4D) => tf.Tensor> = {
  'a convolution': (x) => norm(tf.conv2d(x, numbers('w', [3, 3, 4, 5]) as tf.Tensor4D, 1, 'same'), 5),
  'a depthwise convolution': (x) =>
    norm(tf.depthwiseConv2d(x, numbers('w', [3, 3, 4, 2]) as tf.Tensor4D, 2, 'same'), 8),
  'a convolution with bias': (x) => {
    const filter = numbers('w', [1, 1, 4, 5]) as tf.Tensor4D;
    return norm(tf.fused.conv2d({ x, filter, strides: 1, pad: 'valid', bias: numbers('bias', [5]) }), 5);
  },
};

describe('folding batch normalisation', () => {
  it.each(Object.entries(models))('into %s gives one operator and the same values', async (_, model) => {
    const x = numbers('x', [2, 6, 5, 4]);
    const { graph } = trace((feeds) => model(feeds['x'] as tf.Tensor4D), { x: { shape: x.shape } });
    const simple = simplifyInference(graph);
    expect(histogram(simple)).toEqual({ Transpose: 2, Conv: 1 });
    const [before, after] = [await run(graph, x), await run(simple, x)];
    expect(Math.max(...before.map((value, i) => Math.abs(value - after[i])))).toBeLessThan(1e-5);
  });

  it('keeps a normalisation if its convolution has other readers', () => {
    const { graph } = trace(
      ({ x }) => {
        const y = tf.conv2d(x as tf.Tensor4D, numbers('w', [1, 1, 4, 4]) as tf.Tensor4D, 1, 'same');
        return tf.add(y, norm(y, 4));
      },
      { x: { shape: [2, 3, 3, 4] } },
    );
    expect(histogram(simplifyInference(graph))['BatchNormalization']).toBe(1);
  });

  it('prints as one convolution with a bias', () => {
    const { graph } = trace(({ x }) => tf.relu(models['a convolution'](x as tf.Tensor4D)), {
      x: { shape: [null, 6, 5, 4] },
    });
    expect(printGraph(simplifyInference(graph)).replaceAll(/#[0-9a-f]+/g, '#')).toMatchInlineSnapshot(`
      "graph(x: float32[N,6,5,4])
        %0: float32[N,4,6,5] = Transpose(x) {perm=[0,3,1,2]}
        %1: float32[N,5,6,5] = Conv(%0, float32[5,4,3,3]#, float32[5]{-0.917023838,0.720792174,0.559369385,0.552497923,-0.618280113}) {kernel_shape=[3,3], pads=[1,1,1,1]}
        %2: float32[N,5,6,5] = Relu(%1)
        output: float32[N,6,5,5] = Transpose(%2) {perm=[0,2,3,1]}
        return output"
    `);
  });
});

/** A convolution in two groups as models without such a layer spell it: slices, convolved and concatenated. */
const inGroups = (maps: readonly tf.Tensor4D[]): tf.Tensor4D =>
  tf.concat(
    maps.map((map, i) => tf.conv2d(map, numbers(`w${i}`, [3, 3, 2, 3]) as tf.Tensor4D, 2, 'same')),
    3,
  );
const channels = (x: tf.Tensor4D, first: number): tf.Tensor4D => tf.slice4d(x, [0, 0, 0, first], [-1, -1, -1, 2]);

const shuffled = (x: tf.Tensor4D, groups: number): tf.Tensor4D => {
  const [batch, height, width, channels] = x.shape;
  const table = tf.reshape(x, [batch, height, width, groups, channels / groups]);
  return tf.reshape(tf.transpose(table, [0, 1, 2, 4, 3]), x.shape);
};

describe('groups of channels', () => {
  const x = numbers('x', [2, 6, 5, 4]);
  const simplified = async (model: (x: tf.Tensor4D) => tf.Tensor): Promise<Graph> => {
    // After a convolution, as in networks: maps then have the layout of ONNX.
    const first = numbers('first', [1, 1, 4, 4]) as tf.Tensor4D;
    const { graph } = trace((feeds) => model(tf.conv2d(feeds['x'] as tf.Tensor4D, first, 1, 'same')), {
      x: { shape: x.shape },
    });
    const simple = simplifyInference(graph);
    const [before, after] = [await run(graph, x), await run(simple, x)];
    expect(after).toHaveLength(before.length);
    expect(Math.max(...before.map((value, i) => Math.abs(value - after[i])))).toBeLessThan(1e-5);
    return simple;
  };

  it('become one convolution, with the batch normalisation folded in', async () => {
    const graph = await simplified((map) => norm(inGroups([channels(map, 0), channels(map, 2)]), 6));
    expect(histogram(graph)).toEqual({ Transpose: 2, Conv: 2 });
    expect(graph.nodes.findLast(({ op }) => op === 'Conv')?.attributes['group']).toEqual({ kind: 'int', value: 2 });
  });

  it.each<readonly [string, (x: tf.Tensor4D) => tf.Tensor4D[]]>([
    ['out of order', (x) => [channels(x, 2), channels(x, 0)]],
    ['overlapping', (x) => [channels(x, 0), channels(x, 1)]],
    ['not all', (x) => [channels(x, 0), channels(x, 0)]],
    ['of different maps', (x) => [channels(x, 0), channels(tf.relu(x), 2)]],
  ])('stay unchanged if they are %s', async (_, parts) => {
    expect(histogram(await simplified((map) => inGroups(parts(map))))).toMatchObject({ Conv: 3, Concat: 1 });
  });

  it('are shuffled with one transposition', async () => {
    const graph = await simplified((map) =>
      tf.conv2d(shuffled(tf.relu(map), 2), numbers('last', [1, 1, 4, 5]) as tf.Tensor4D, 1, 'same'),
    );
    expect(printGraph(graph).replaceAll(/#[0-9a-f]+/g, '#')).toMatchInlineSnapshot(`
      "graph(x: float32[2,6,5,4])
        %0: float32[2,4,6,5] = Transpose(x) {perm=[0,3,1,2]}
        %1: float32[2,4,6,5] = Conv(%0, float32[4,4,1,1]#) {kernel_shape=[1,1]}
        %2: float32[2,4,6,5] = Relu(%1)
        %3: float32[2,2,2,6,5] = Reshape(%2, int64[5]{0,2,2,6,5})
        %4: float32[2,2,2,6,5] = Transpose(%3) {perm=[0,2,1,3,4]}
        %5: float32[2,4,6,5] = Reshape(%4, int64[4]{0,4,6,5})
        %6: float32[2,5,6,5] = Conv(%5, float32[5,4,1,1]#) {kernel_shape=[1,1]}
        output: float32[2,6,5,5] = Transpose(%6) {perm=[0,2,3,1]}
        return output"
    `);
  });
});
