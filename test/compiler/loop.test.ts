import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compile, inLayer, uniform, type CompileOptions } from '../../compiler/index.js';

beforeAll(() => tf.setBackend('cpu'));
afterEach(() => tf.disposeVariables());

/** A step whose states are a vector, one alone, one that is only read and one that is only written. */
function step() {
  const variable = (name: string, values: number[]): tf.Variable => tf.variable(tf.tensor1d(values), true, name);
  const [a, b, alone] = [variable('a', [1, 2]), variable('b', [3, 4, 5]), variable('alone', [1, 1])];
  const [read, written] = [variable('read', [0.5, 0.25]), variable('written', [9, 9])];
  return ({ x, rate }: Record<string, tf.Tensor>): Record<string, tf.Tensor> => {
    for (const each of [a, b]) each.assign(tf.sub(each, tf.mul(each, rate)));
    alone.assign(tf.add(tf.mul(alone, read), tf.mul(x, uniform([2]))));
    written.assign(tf.mul(x, 2));
    return { sum: tf.add(tf.sum(a), tf.sum(alone)), row: tf.concat([alone, b]) };
  };
}
const inputs = { x: { shape: [2] }, rate: { shape: [] } };
const feeds = [0, 1, 2, 3, 4].map((i) => ({ x: Float32Array.of(i, -i), rate: 0.1 * (i + 1) }));

/** Outputs of five steps, so many in a call, and the states after them. */
async function results(options: CompileOptions, atOnce: number) {
  const program = await compile(step(), inputs, options);
  const outputs = [];
  for (let at = 0; at < feeds.length; at += atOnce)
    outputs.push(...(await program.runSteps(feeds.slice(at, at + atOnce))));
  const states = await program.states.snapshot();
  await program.dispose();
  tf.disposeVariables();
  return { outputs, states };
}

describe('a loop over steps', () => {
  it('gives the results of single steps, bit for bit, in groups of any size', async () => {
    const single = await results({}, 1);
    expect(single.outputs).toHaveLength(5);
    expect(single.states.get('written')?.data).toEqual(Float32Array.of(8, -8));
    for (const atOnce of [2, 5]) expect(await results({ loop: true }, atOnce)).toEqual(single);
    expect(await results({}, 3)).toEqual(single);
  });

  it('is profiled by node and layer, as its steps are', async () => {
    const scaled = ({ x }: Record<string, tf.Tensor>): tf.Tensor => inLayer('scaled', () => tf.sin(tf.cos(x)));
    const layers = async (loop: boolean): Promise<string[]> => {
      const program = await compile(scaled, { x: { shape: [2] } }, { loop });
      const { nodes } = await program.profile({ x: Float32Array.of(1, 2) }, 4, 1);
      await program.dispose();
      return nodes.filter(({ layer }) => layer !== '').map(({ layer, operator }) => `${layer}: ${operator}`);
    };
    expect(await layers(true)).toEqual(['loop: Identity', 'loop: Gather', 'scaled: Cos', 'scaled: Sin']);
    expect(await layers(false)).toEqual(['scaled: Cos', 'scaled: Sin']);
  });

  it('refuses a dynamic batch and a run without steps', async () => {
    await expect(compile(({ x }) => tf.sum(x), { x: { shape: [null, 2] } }, { loop: true })).rejects.toThrow(
      /input 'x' has a dynamic batch/,
    );
    const program = await compile(({ x }) => tf.sum(x), { x: { shape: [2] } }, { loop: true });
    expect(() => program.runSteps([])).toThrow(/at least one step/);
    await program.dispose();
  });
});
