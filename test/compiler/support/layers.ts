import * as tf from '@tensorflow/tfjs-core';
import type { Program } from '../../../compiler/index.js';
import type { Inputs } from './reference.js';

const shapes = [[2, 3], [4], [1, 5], [3], [2, 2]];

/** Sums of gradients of these shapes, and what programs do with them. */
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
    /** The first two layers in a way of their own, the fourth as its mean. */
    average: (): Record<string, tf.Tensor> => {
      for (const i of [0, 1]) sums[i].assign(tf.square(sums[i]));
      sums[3].assign(tf.add(tf.zerosLike(sums[3]), 7));
      return {};
    },
  };
}

export const scalars = (...names: readonly string[]): Record<string, { shape: number[] }> =>
  Object.fromEntries(names.map((name) => [name, { shape: [] }]));

export const disposeAll = async (programs: readonly Program[]): Promise<void> => {
  for (const program of programs) await program.dispose();
};
