import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compile, portable, printGraph, StateStore, trace, verifyGraph } from '../../compiler/index.js';
import { optimized } from '../../compiler/compile.js';

beforeAll(() => tf.setBackend('cpu'));
afterEach(() => tf.disposeVariables());

/** Weights w of these shapes, pulled towards x: a = 0.9 a + (w - x), w -= rate a. */
function pulled(shapes: readonly number[][]) {
  const weights = shapes.map((shape, i) => tf.variable(tf.fill(shape, i + 1), true, `w${i}`));
  const momenta = shapes.map((shape, i) => tf.variable(tf.zeros(shape), false, `a${i}`));
  const step = ({ x, rate }: Record<string, tf.Tensor>): { sum: tf.Tensor } => {
    const sums = weights.map((weight, i) => {
      const momentum = momenta[i];
      const accumulated = tf.add(tf.mul(momentum, 0.9), tf.sub(weight, x));
      momentum.assign(accumulated);
      weight.assign(tf.sub(weight, tf.mul(accumulated, rate)));
      return tf.sum(weight);
    });
    return { sum: tf.addN(sums) };
  };
  return { step, weights };
}
const inputs = { x: { shape: [] }, rate: { shape: [] } };

describe('packing states', () => {
  it('updates states of equal updates in one vector', () => {
    const { step } = pulled([[2, 3], [4]]);
    const { graph, packs } = optimized(trace(step, inputs), portable);
    verifyGraph(graph);
    expect(packs.map(({ members }) => members.map(({ name }) => name))).toEqual([
      ['a0', 'a1'],
      ['w0', 'w1'],
    ]);
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph(x: float32[], rate: float32[], states/0: float32[10], states/1: float32[10])
        %0, %1: float32[6], float32[4] = Split(states/0, int64[2]{6,4}) {axis=0}
        %2: float32[2,3] = Reshape(%0, int64[2]{2,3})
        %3: float32[4] = Reshape(%1, int64[1]{4})
        %4, %5: float32[6], float32[4] = Split(states/1, int64[2]{6,4}) {axis=0}
        %6: float32[2,3] = Reshape(%4, int64[2]{2,3})
        %7: float32[4] = Reshape(%5, int64[1]{4})
        %8: float32[2,3] = Mul(%2, 0.899999976)
        %9: float32[2,3] = Sub(%6, x)
        %10: float32[2,3] = Add(%8, %9)
        %11: float32[2,3] = Mul(%10, rate)
        %12: float32[2,3] = Sub(%6, %11)
        %13: float32[] = ReduceSum(%12, int64[2]{0,1}) {keepdims=0}
        %14: float32[4] = Mul(%3, 0.899999976)
        %15: float32[4] = Sub(%7, x)
        %16: float32[4] = Add(%14, %15)
        %17: float32[4] = Mul(%16, rate)
        %18: float32[4] = Sub(%7, %17)
        %19: float32[] = ReduceSum(%18, int64[1]{0}) {keepdims=0}
        sum: float32[] = Add(%13, %19)
        %20: float32[10] = Mul(states/0, 0.899999976)
        %21: float32[10] = Sub(states/1, x)
        next-states/0: float32[10] = Add(%20, %21)
        %22: float32[10] = Mul(next-states/0, rate)
        next-states/1: float32[10] = Sub(states/1, %22)
        return sum, next-states/0, next-states/1"
    `);
  });

  it('leaves states alone that have updates of their own', () => {
    const { step } = pulled([[2, 3]]);
    const other = tf.variable(tf.ones([3]), true, 'other');
    const both = (feeds: Record<string, tf.Tensor>): { sum: tf.Tensor } => {
      other.assign(tf.mul(other, 2));
      return step(feeds);
    };
    expect(optimized(trace(both, inputs), portable).packs).toEqual([]);
  });

  it('gives programs with other packs, and snapshots, the same values', async () => {
    const states = new StateStore();
    const { step, weights } = pulled([[2, 3], [4], [1, 5]]);
    const all = await compile(step, inputs, { states });
    const shift = ({ x }: Record<string, tf.Tensor>) => {
      for (const weight of weights.slice(1)) weight.assign(tf.add(weight, x));
      return { first: tf.sum(weights[1]) };
    };
    const half = await compile(shift, { x: { shape: [] } }, { states });
    await all.run({ x: 0.5, rate: 0.1 });
    const { first } = await half.run({ x: 1 });
    await all.run({ x: 0.5, rate: 0.1 });
    const values: Record<string, number[]> = {};
    for (const [name, { data }] of await states.snapshot())
      values[name] = Array.from(data, (v) => Number(v.toFixed(4)));
    expect(first.data[0]).toBeCloseTo(4 * (2 - 0.15 + 1), 5);
    expect(values).toMatchObject({
      // a = 0.9 * 1.5 + (2.85 - 0.5) = 3.7, w = 2.85 - 0.37
      a1: new Array(4).fill(3.7),
      w1: new Array(4).fill(2.48),
      w2: new Array(5).fill(3.2),
    });
    await all.dispose();
    await half.dispose();
  });
});
