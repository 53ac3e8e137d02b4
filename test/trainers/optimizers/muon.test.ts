import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../../base/random.js';
import { createOptimizer, type Parameter } from '../../../trainers/optimizers/index.js';
import { trainSchema } from '../../../trainers/schema/recipe.js';
import { frobenius, type Matrix, newtonSchulz } from '../support/matrices.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const cleanup: tf.Variable[] = [];
afterEach(() => tf.dispose(cleanup.splice(0)));

const normal = (shape: number[], seed: number): tf.Tensor => {
  const random = new Random(seed, 'muon');
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    shape,
  );
};

function parameter(name: string, shape: number[], seed: number): Parameter {
  const variable = tf.tidy(() => tf.variable(normal(shape, seed)));
  cleanup.push(variable);
  return { name, variable };
}

/** A kernel or its gradient [k, k, in, out] as a matrix [k k in, out]. */
const matrixOf = (kernel: tf.Tensor): Matrix =>
  tf.tidy(() => tf.reshape(kernel, [-1, kernel.shape[3] ?? 1]).arraySync() as Matrix);

const config = trainSchema.parse({ optimizer: { type: 'muon' } }).optimizer;

const kernels = {
  'model/block1_expand/kernel': [1, 1, 4, 12],
  'model/block1_project/kernel': [1, 1, 12, 4],
  'model/stem/kernel': [3, 3, 2, 5],
} as const;

describe('Muon', () => {
  test('moves kernels of convolutions as written down for float64 matrices, at a falling rate', () => {
    const parameters = Object.entries(kernels).map(([name, shape], i) => parameter(name, [...shape], i));
    const optimizer = createOptimizer(config, parameters);
    cleanup.push(...optimizer.slots.values());
    const expected = parameters.map(({ variable }) => ({ w: matrixOf(variable), v: matrixOf(tf.zerosLike(variable)) }));
    for (const [step, share] of [0.5, 1, 0.25].entries()) {
      const gradients = new Map(
        parameters.map(({ name, variable }, i) => [name, normal([...variable.shape], 10 * step + i + 3)]),
      );
      optimizer.apply(gradients, tf.scalar(0.8 * share));
      for (const [i, { name, variable }] of parameters.entries()) {
        const { w, v } = expected[i];
        const g = matrixOf(gradients.get(name) ?? tf.zeros([0]));
        const next = v.map((row, r) => row.map((x, c) => 0.6 * x + g[r][c]));
        const update = newtonSchulz(
          g.map((row, r) => row.map((x, c) => x + 0.6 * next[r][c])),
          3,
        );
        const scale = Math.sqrt(w[0].length) / frobenius(w);
        const moved = w.map((row, r) => row.map((x, c) => x * scale - 0.1 * share * update[r][c]));
        expected[i] = { w: moved, v: next };
        matrixOf(variable).forEach((row, r) => row.forEach((x, c) => expect(x).toBeCloseTo(moved[r][c], 4)));
      }
      tf.dispose([...gradients.values()]);
    }
  });

  test('leaves everything but the kernels of convolutions to SGD', () => {
    const others = {
      'model/block1_depthwise/depthwise_kernel': [3, 3, 4, 1],
      'model/block1_bn/gamma': [4],
      'model/logits/kernel': [4, 3],
      'model/logits/bias': [3],
      // Nothing normalises what an adapter computes, so its norm matters.
      'adapter/5x5/kernel': [1, 1, 4, 6],
    };
    const make = (): Parameter[] => Object.entries(others).map(([name, shape], i) => parameter(name, shape, i));
    const after = (type: 'muon' | 'sgd'): number[] => {
      const parameters = make();
      const optimizer = createOptimizer(trainSchema.parse({ optimizer: { type } }).optimizer, parameters);
      cleanup.push(...optimizer.slots.values());
      expect([...optimizer.slots.keys()]).toEqual(Object.keys(others).map((name) => `momentum/${name}`));
      for (const step of [1, 2])
        tf.tidy(() => {
          const gradients = parameters.map(({ name, variable }) => [name, normal([...variable.shape], step)] as const);
          optimizer.apply(new Map(gradients), tf.scalar(0.1));
        });
      return parameters.flatMap(({ variable }) => [...variable.dataSync()]);
    };
    expect(after('muon')).toEqual(after('sgd'));
  });

  test('leaves a kernel without a gradient where it is, if a step may use only some kernels', () => {
    const move = (partial: boolean): boolean[] => {
      const parameters = Object.entries(kernels).map(([name, shape], i) => parameter(name, [...shape], i));
      const optimizer = createOptimizer(config, parameters, partial);
      cleanup.push(...optimizer.slots.values());
      const step = (unused: number): Float32Array[] =>
        tf.tidy(() => {
          const gradients = parameters.map(
            ({ name, variable }, i) => [name, i === unused ? tf.zerosLike(variable) : tf.onesLike(variable)] as const,
          );
          optimizer.apply(new Map(gradients), tf.scalar(0.8));
          // The first step scales the kernels, too.
          return parameters.map(({ variable }) => Float32Array.from(variable.dataSync()));
        });
      step(-1);
      const norms = parameters.map(({ variable }) => frobenius(matrixOf(variable)) / Math.sqrt(variable.shape[3] ?? 1));
      const [before, after] = [parameters.map(({ variable }) => variable.dataSync()), step(1)];
      return after.map((values, i) => values.some((x, k) => Math.abs(x * norms[i] - before[i][k]) > 1e-5));
    };
    expect([move(false), move(true)]).toEqual([
      [true, true, true],
      [true, false, true],
    ]);
  });

  test('keeps one momentum for each kernel and leaves nothing behind', () => {
    const parameters = Object.entries(kernels).map(([name, shape], i) => parameter(name, [...shape], i));
    const optimizer = createOptimizer(config, parameters);
    cleanup.push(...optimizer.slots.values());
    expect([...optimizer.slots.keys()]).toEqual(Object.keys(kernels).map((name) => `muon_momentum/${name}`));
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const gradients = parameters.map(({ name, variable }) => [name, tf.onesLike(variable)] as const);
      optimizer.apply(new Map(gradients), tf.scalar(0.1));
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
