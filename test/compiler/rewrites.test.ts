import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  histogram,
  inLayer,
  normalizeBatch,
  trace,
  verifyGraph,
  withSession,
  type Graph,
  type OnnxOp,
} from '../../compiler/index.js';
import { GraphBuilder, int } from '../../compiler/graph/index.js';
import { scopeOf } from '../../compiler/graph/graph.js';
import { encodeModel } from '../../compiler/onnx/model.js';
import { cuda } from '../../compiler/onnx/cuda.js';
import { caseOf, inTable } from '../../compiler/onnx/support.js';
import { webgpu } from '../../compiler/onnx/webgpu.js';
import { capabilitiesOf } from '../../compiler/onnx/providers.js';
import { narrowSplits } from '../../compiler/passes/provider-limits.js';
import { writeOut } from '../../compiler/passes/write-out.js';
import { operatorSamples, resultsIn, runSamples, SampleGraph } from './support/operator-samples.js';
import { differences } from './support/reference.js';
import { Sampler } from './support/samples.js';

beforeAll(() => tf.setBackend('cpu'));

const writtenOut = (graph: Graph, provider = 'webgpu'): Graph => {
  const written = writeOut(graph, provider, capabilitiesOf(provider).implementationOf);
  verifyGraph(written);
  return written;
};

/** The results of a graph of one input `x` on the CPU. */
function run(graph: Graph, x: Float32Array): Promise<Record<string, ort.Tensor>> {
  const feeds = { x: new ort.Tensor('float32', x, graph.inputs[0].shape.map(Number)) };
  return withSession(encodeModel(graph, { name: 'test' }), {}, async (session) => ({ ...(await session.run(feeds)) }));
}

const numbers = (tensor: ort.Tensor) => tensor.data as Float32Array | Int32Array;

describe('rewriting for a provider', () => {
  const x = new Sampler('rewrites').normal([3, 4, 4, 5]);
  const { graph: normalised } = trace(
    ({ x: images }) => ({ ...normalizeBatch(images, tf.fill([5], 2), tf.fill([5], 3), 1e-3) }),
    { x: { shape: x.shape } },
  );

  it.each(['webgpu', 'cuda'])('replaces batch normalisation in training for %s', async (provider) => {
    const written = writtenOut(normalised, provider);
    expect(histogram(written)['BatchNormalization']).toBeUndefined();
    const [before, after] = [await run(normalised, x.data as Float32Array), await run(written, x.data as Float32Array)];
    expect(differences(resultsIn(after), resultsIn(before), 1e-6)).toEqual([]);
  });

  it('shares the values that the gradient computes, too', () => {
    const { graph } = trace(
      ({ x: images }) =>
        tf.grad((y) => tf.sum(tf.square(normalizeBatch(y as tf.Tensor4D, tf.fill([5], 2), tf.fill([5], 3), 1e-3).y)))(
          images,
        ),
      { x: { shape: x.shape } },
    );
    expect(histogram(writtenOut(graph))['Sqrt']).toBe(1);
  });

  it('replaces casts from int64: positions are gathered from int32, or stay int32', async () => {
    const rows = new Sampler('extrema').mixed([-1, 0, 2, 3], [4, 5, 3]);
    const { graph } = trace(
      ({ x: y }) => ({ first: tf.argMin(y, 0), last: tf.argMax(y, 2), places: tf.topk(y as tf.Tensor3D, 2).indices }),
      { x: { shape: rows.shape } },
    );
    const written = writtenOut(graph);
    expect(histogram(written)).toEqual({ ArgMin: 1, ArgMax: 1, TopK: 1, Gather: 3 });
    const data = rows.data as Float32Array;
    const [before, after] = [await run(graph, data), await run(written, data)];
    for (const [name, tensor] of Object.entries(before)) expect(numbers(after[name])).toEqual(numbers(tensor));
  });

  it('fails for an operator without a replacement: the error names the layer and a remedy', () => {
    const { graph } = trace(({ x: y }) => inLayer('sorting', () => tf.topk(tf.cast(y, 'int32'), 2).values), {
      x: { shape: [3, 4] },
    });
    expect(() => writtenOut(graph)).toThrow(
      expect.objectContaining({
        code: 'invalid-input',
        message: `layer 'sorting': the execution provider "webgpu" cannot run TopK of int32`,
        hint: expect.stringMatching(/^cast the values to float32 first; or .*provider: cpu/) as string,
      }),
    );
  });

  it('leaves graphs for the CPU as they are', () => {
    const { implementationOf, mostResults } = capabilitiesOf('cpu');
    expect(narrowSplits(writeOut(normalised, 'cpu', implementationOf), mostResults)).toBe(normalised);
  });
});

const tables = { webgpu, cuda };
/** All operators of all element types with which they are emitted. */
const samples = Object.entries(operatorSamples).flatMap(([op, { dtypes }]) =>
  dtypes.map((dtype) => [op as OnnxOp, dtype] as const),
);

describe.each(Object.entries(tables))('the table of %s', (provider, table) => {
  const implementationOf = inTable(table);
  const cases = (graph: Graph): string[] =>
    graph.nodes.map((node) => `${node.op} of ${caseOf(node, (name) => scopeOf(graph).type(name))}`);

  it('has all cases of emitted operators, and no others', () => {
    const emitted = new Set<string>();
    for (const [op, dtype] of samples) {
      const g = new SampleGraph();
      g.record(op, dtype);
      for (const each of cases(g.builder.finish())) emitted.add(each);
    }
    const said = Object.entries(table).flatMap(([op, implementations]) =>
      Object.keys(implementations).map((which) => `${op} of ${which}`),
    );
    // Cases of dynamic batches and of rewrites.
    const elsewhere = ['Concat of int64', 'Div of int32', 'Shape of int32', 'Shape of bool'];
    expect(said.filter((each) => !emitted.has(each) && !elsewhere.includes(each))).toEqual([]);
    expect([...emitted].filter((each) => !said.includes(each))).toEqual([]);
  });

  it('has the operators of all its rewrites, which compute the same', async () => {
    const g = new SampleGraph();
    for (const [op, dtype] of samples)
      if (typeof implementationOf(op, dtype) === 'string' && !(op === 'Where' && dtype === 'bool')) g.record(op, dtype);
    const graph = g.builder.finish();
    const written = writeOut(graph, provider, implementationOf);
    verifyGraph(written);
    const left = written.nodes.filter((node) => {
      const support = caseOf(node, (name) => scopeOf(written).type(name));
      const implementation = implementationOf(node.op, support);
      return implementation !== 'kernel' && implementation !== 'host';
    });
    expect(left.map(({ op, outputs }) => `${op} ${outputs[0]}`)).toEqual([]);
    expect(differences(await runSamples(written, g.feeds), await runSamples(graph, g.feeds), 1e-5)).toEqual([]);
  });

  it('selects between booleans, for which ONNX Runtime has no kernel', async () => {
    const g = new SampleGraph();
    g.record('Where', 'bool');
    const [condition, then, otherwise] = [...g.feeds.values()].map(({ data }) => [...data]);
    const results = await runSamples(writeOut(g.builder.finish(), provider, implementationOf), g.feeds);
    const expected = condition.map((chosen, i) => (chosen ? then : otherwise)[i]);
    expect([...(results['Where/bool/0']?.data ?? [])]).toEqual(expected);
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
