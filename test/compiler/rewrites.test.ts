import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { createSession, histogram, normalizeBatch, trace, verifyGraph, type Graph } from '../../compiler/index.js';
import { GraphBuilder, int } from '../../compiler/graph/index.js';
import { encodeModel } from '../../compiler/onnx/model.js';
import { capabilitiesOf } from '../../compiler/onnx/providers.js';
import { narrowSplits } from '../../compiler/passes/narrow-splits.js';
import { writeOut } from '../../compiler/passes/rewrites/index.js';
import { relativeError } from './support/reference.js';
import { Sampler } from './support/samples.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const writtenOut = (graph: Graph, provider = 'webgpu'): Graph => {
  const written = writeOut(graph, capabilitiesOf(provider).support);
  verifyGraph(written);
  return written;
};

/** The results of a graph of one input `x` on the CPU. */
async function run(graph: Graph, x: Float32Array): Promise<Record<string, ort.Tensor>> {
  const session = await createSession(encodeModel(graph, { name: 'test' }));
  const results = await session.run({ x: new ort.Tensor('float32', x, graph.inputs[0].shape.map(Number)) });
  await session.release();
  return { ...results };
}

const numbers = (tensor: ort.Tensor) => tensor.data as Float32Array | Int32Array;

describe('what a provider lacks', () => {
  const x = new Sampler('rewrites').normal([3, 4, 4, 5]);
  const { graph: normalised } = trace(
    ({ x: images }) => ({ ...normalizeBatch(images, tf.fill([5], 2), tf.fill([5], 3), 1e-3) }),
    { x: { shape: x.shape } },
  );

  it.each(['webgpu', 'cuda'])('is batch normalisation in training for %s', async (provider) => {
    const written = writtenOut(normalised, provider);
    expect(histogram(written)['BatchNormalization']).toBeUndefined();
    const [before, after] = [await run(normalised, x.data as Float32Array), await run(written, x.data as Float32Array)];
    for (const name of ['y', 'mean', 'variance']) {
      const [expected, actual] = [before[name], after[name]].map((tensor) => ({
        dtype: 'float32' as const,
        shape: tensor.dims,
        data: numbers(tensor),
      }));
      expect(actual.shape).toEqual(expected.shape);
      expect(relativeError(actual, expected), name).toBeLessThan(1e-6);
    }
  });

  it('shares with the gradient what both compute', () => {
    const { graph } = trace(
      ({ x: images }) =>
        tf.grad((y) => tf.sum(tf.square(normalizeBatch(y as tf.Tensor4D, tf.fill([5], 2), tf.fill([5], 3), 1e-3).y)))(
          images,
        ),
      { x: { shape: x.shape } },
    );
    expect(histogram(writtenOut(graph))['Sqrt']).toBe(1);
  });

  it.each([0, 1, 2])('is the position of the extremum as int64: axis %i', async (axis) => {
    const rows = new Sampler('extrema').mixed([-1, 0, 2, 3], [4, 5, 3]);
    const { graph } = trace(({ x: y }) => ({ least: tf.argMin(y, axis), most: tf.argMax(y, axis) }), {
      x: { shape: rows.shape },
    });
    const written = writtenOut(graph);
    expect([...written.types.values()].some(({ dtype, shape }) => dtype === 'int64' && shape.length !== 1)).toBe(false);
    expect(histogram(written)).toMatchObject({ Cast: 2, ReduceMax: 1, ReduceMin: 3 });
    const [before, after] = [
      await run(graph, rows.data as Float32Array),
      await run(written, rows.data as Float32Array),
    ];
    for (const name of ['least', 'most']) expect(numbers(after[name])).toEqual(numbers(before[name]));
  });

  it('is nothing for the CPU', () => {
    const { support, mostResults } = capabilitiesOf('cpu');
    expect(narrowSplits(writeOut(normalised, support), mostResults)).toBe(normalised);
  });
});

describe('splits', () => {
  it.each([7, 8, 49, 50, 100])('into %i parts are trees of splits of at most 7', async (parts) => {
    const sizes = Array.from({ length: parts }, (_, i) => 1 + (i % 3));
    const length = sizes.reduce((a, b) => a + b);
    const builder = new GraphBuilder();
    const x = builder.input('x', [2, length], 'float32');
    const results = builder.emitAll('Split', [x, builder.integers(sizes)], { axis: int(-1) }, parts);
    for (const [i, name] of results.entries()) builder.output(`part${i}`, name);
    const graph = builder.finish();
    const narrow = narrowSplits(graph, 7);
    verifyGraph(narrow);
    expect(Math.max(...narrow.nodes.map(({ outputs }) => outputs.length))).toBeLessThanOrEqual(7);
    const levels = Math.ceil(Math.log(parts) / Math.log(7) - 1e-9);
    expect(narrow.nodes.length).toBeLessThanOrEqual(Math.ceil((parts - 1) / 6) + levels);
    const data = Float32Array.from({ length: 2 * length }, (_, i) => i);
    const [before, after] = [await run(graph, data), await run(narrow, data)];
    for (const [name, tensor] of Object.entries(before)) expect(numbers(after[name])).toEqual(numbers(tensor));
  });
});
