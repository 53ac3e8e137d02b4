import '@tensorflow/tfjs-backend-cpu';
// TF.js's gradients are registered with its layers.
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  createOptimizer,
  moveAverage,
  type Gradients,
  type Optimizer,
  type Parameter,
} from '../../trainers/optimizers/index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const start = { kernel: [0.5, -1, 2, 0.1], bias: [0.3, -0.2] };
const cleanup: tf.Variable[] = [];
afterEach(() => {
  for (const variable of cleanup.splice(0)) variable.dispose();
});

function parameters(): Parameter[] {
  const kernel = tf.tidy(() => tf.variable(tf.tensor2d(start.kernel, [2, 2])));
  const bias = tf.tidy(() => tf.variable(tf.tensor1d(start.bias)));
  cleanup.push(kernel, bias);
  return [
    { name: 'kernel', variable: kernel },
    { name: 'bias', variable: bias },
  ];
}

/** A loss whose gradients change in size and sign from step to step. */
const loss = ([kernel, bias]: Parameter[]): tf.Scalar => {
  const y = tf.add(tf.matMul(tf.tensor2d([[1, 2]]), kernel.variable), bias.variable);
  return tf.mean(tf.square(tf.sub(tf.square(y), 1)));
};

function gradients(params: Parameter[]): Gradients {
  const { grads } = tf.variableGrads(
    () => loss(params),
    params.map(({ variable }) => variable),
  );
  return new Map(params.map(({ name, variable }) => [name, grads[variable.name]]));
}

const rates = [0.1, 0.05, 0.02, 0.1, 0.03];

function train(optimizer: Optimizer, params: Parameter[]): number[] {
  cleanup.push(...optimizer.slots.values());
  for (const rate of rates)
    tf.tidy(() => {
      optimizer.apply(gradients(params), tf.scalar(rate * 0.1));
    });
  return params.flatMap(({ variable }) => [...variable.dataSync()]);
}

/** The same steps with an optimizer of TF.js. */
function reference(optimizer: tf.SGDOptimizer): number[] {
  const params = parameters();
  for (const rate of rates) {
    optimizer.setLearningRate(rate * 0.1);
    optimizer.minimize(
      () => loss(params),
      false,
      params.map(({ variable }) => variable),
    );
  }
  return params.flatMap(({ variable }) => [...variable.dataSync()]);
}

const close = (actual: number[], expected: number[]): void =>
  actual.forEach((x, i) => expect(x).toBeCloseTo(expected[i] ?? NaN, 5));

const sgd = { type: 'sgd', learning_rate: 0.1, momentum: 0.9, nesterov: false, weight_decay: 0 } as const;
const adamw = { type: 'adamw', learning_rate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-7, weight_decay: 0 } as const;

describe('SGD', () => {
  test.each([false, true])('equals tf.train.momentum (nesterov: %s)', (nesterov) => {
    const params = parameters();
    close(
      train(createOptimizer({ ...sgd, nesterov }, params), params),
      reference(tf.train.momentum(0.1, 0.9, nesterov)),
    );
  });

  test('equals tf.train.sgd and keeps no state without momentum', () => {
    const params = parameters();
    const optimizer = createOptimizer({ ...sgd, momentum: 0 }, params);
    expect(optimizer.slots.size).toBe(0);
    close(train(optimizer, params), reference(tf.train.sgd(0.1)));
  });

  test('slots have stable names', () => {
    const optimizer = createOptimizer(sgd, parameters());
    cleanup.push(...optimizer.slots.values());
    expect([...optimizer.slots.keys()]).toEqual(['momentum/kernel', 'momentum/bias']);
  });
});

describe('AdamW', () => {
  test('without decay equals Adam with bias correction', () => {
    const params = parameters();
    const actual = train(createOptimizer(adamw, params), params);
    // Adam in float64, straight from the paper; gradients from TF.js.
    const other = parameters();
    const m = other.map(({ variable }) => new Float64Array(variable.size));
    const v = other.map(({ variable }) => new Float64Array(variable.size));
    rates.forEach((rate, t) => {
      const { grads } = tf.variableGrads(
        () => loss(other),
        other.map((p) => p.variable),
      );
      other.forEach(({ variable }, i) => {
        const g = grads[variable.name].dataSync();
        const next = variable.dataSync().map((w, k) => {
          const m1 = 0.9 * m[i][k] + 0.1 * g[k];
          const v1 = 0.99 * v[i][k] + 0.01 * g[k] ** 2;
          m[i][k] = m1;
          v[i][k] = v1;
          return w - (rate * 0.1 * (m1 / (1 - 0.9 ** (t + 1)))) / (Math.sqrt(v1 / (1 - 0.99 ** (t + 1))) + 1e-7);
        });
        variable.assign(tf.tensor(next, variable.shape));
      });
    });
    close(
      actual,
      other.flatMap(({ variable }) => [...variable.dataSync()]),
    );
  });
});

test.each([sgd, adamw])('weight decay of $type shrinks kernels by rate x decay, never biases', (config) => {
  const rate = 0.5;
  const params = parameters();
  const optimizer = createOptimizer({ ...config, weight_decay: 0.1 }, params);
  cleanup.push(...optimizer.slots.values());
  const grads = new Map(params.map(({ name, variable }) => [name, tf.zeros(variable.shape)]));
  optimizer.apply(grads, tf.scalar(rate));
  const [kernel, bias] = params.map(({ variable }) => [...variable.dataSync()]);
  close(
    kernel,
    start.kernel.map((w) => w * (1 - rate * 0.1)),
  );
  close(bias, start.bias);
});

test('the moving average keeps `decay` of the old value', () => {
  const [kernel] = parameters().map(({ variable }) => variable);
  const average = tf.tidy(() => tf.variable(tf.ones([2, 2]), false));
  cleanup.push(average);
  moveAverage([[average, kernel]], tf.scalar(0.75));
  close(
    [...average.dataSync()],
    start.kernel.map((w) => 0.75 + 0.25 * w),
  );
});

test('optimizers leave nothing behind', () => {
  const params = parameters();
  const optimizer = createOptimizer({ ...adamw, weight_decay: 0.1 }, params);
  const before = tf.memory().numTensors;
  train(optimizer, params);
  expect(tf.memory().numTensors).toBe(before);
});
