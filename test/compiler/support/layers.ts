import * as tf from '@tensorflow/tfjs-core';
import type { Program, StateStore } from '../../../compiler/index.js';
import type { Inputs } from './reference.js';

const shapes = [[2, 3], [4], [1, 5], [3], [2, 2]];

/** Sums of gradients of these shapes, and the steps of programs on them. */
export function layers() {
  const variables = (kind: string, fill: (i: number) => number): tf.Variable[] =>
    shapes.map((shape, i) => tf.variable(tf.fill(shape, fill(i)), false, `${kind}${i}`));
  const [weights, momenta, sums] = [variables('w', (i) => i + 1), variables('a', () => 0), variables('s', () => 0)];
  return {
    /** sums = keep sums + x w, of some layers. */
    gradients:
      (of: readonly number[]) =>
      ({ x, keep }: Inputs): { loss: tf.Tensor } => {
        for (const i of of) sums[i].assign(tf.add(tf.mul(sums[i], keep), tf.mul(weights[i], x)));
        return { loss: tf.addN(of.map((i) => tf.sum(weights[i]))) };
      },
    /** SGD with momentum, of all layers. */
    update: ({ rate }: Inputs): Record<string, tf.Tensor> => {
      for (const [i, weight] of weights.entries()) {
        const next = tf.add(tf.mul(momenta[i], 0.9), sums[i]);
        momenta[i].assign(next);
        weight.assign(tf.sub(weight, tf.mul(next, rate)));
      }
      return {};
    },
    /** Squares the sums of the first two layers, and fills those of the fourth. */
    average: (): Record<string, tf.Tensor> => {
      for (const i of [0, 1]) sums[i].assign(tf.square(sums[i]));
      sums[3].assign(tf.add(tf.zerosLike(sums[3]), 7));
      return {};
    },
  };
}

export const scalars = (...names: readonly string[]): Record<string, { shape: number[] }> =>
  Object.fromEntries(names.map((name) => [name, { shape: [] }]));

/** All states of a store, by name. */
export const sorted = async (states: StateStore) => [...(await states.snapshot())].sort(([a], [b]) => (a < b ? -1 : 1));

export const disposeAll = async (programs: readonly Program[]): Promise<void> => {
  for (const program of programs) await program.dispose();
};
