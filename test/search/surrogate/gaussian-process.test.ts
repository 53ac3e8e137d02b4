import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import type { Encoded } from '../../../search/surrogate/encoding.js';
import { GaussianProcess, PoolPosterior } from '../../../search/surrogate/gaussian-process.js';
import {
  covariance,
  fitHyperparameters,
  negativeLogPosterior,
  priorOf,
} from '../../../search/surrogate/hyperparameters.js';
import { Kernel, layoutOf } from '../../../search/surrogate/kernel.js';
import { normals, randomSet, shape } from './support.js';

const random = new Random(7, 'gaussian process');
const { size } = layoutOf(shape);
const theta = priorOf(shape).mean.map((mean) => mean + 0.3 * random.normal());
const kernel = new Kernel(shape, theta);

/** The covariances of all pairs. */
function matrixOf(a: Encoded, b: Encoded): number[][] {
  return Array.from({ length: a.count }, (_, i) => {
    const column = new Float64Array(b.count);
    kernel.column(a, i, b, column);
    return [...column];
  });
}

/** Solves A X = B by Gauss-Jordan elimination. */
function solved(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number[][] {
  const rows = a.map((row, i) => [...row, ...b[i]]);
  for (let k = 0; k < rows.length; k++) {
    rows[k] = rows[k].map((value) => value / rows[k][k]);
    for (let i = 0; i < rows.length; i++)
      if (i !== k) rows[i] = rows[i].map((value, j) => value - rows[i][k] * rows[k][j]);
  }
  return rows.map((row) => row.slice(a.length));
}

/** Means and variances by a direct solve. */
function direct(inputs: Encoded, targets: Float64Array, at: Encoded): { mean: number[]; variance: number[] } {
  const own = matrixOf(inputs, inputs).map((row, i) => row.with(i, row[i] + kernel.noise));
  const cross = matrixOf(inputs, at);
  const solution = solved(own, cross);
  const over = (f: (i: number) => number): number => cross.reduce((sum, _, i) => sum + f(i), 0);
  const before = kernel.variances(at);
  return {
    mean: Array.from(before, (_, k) => over((i) => solution[i][k] * targets[i])),
    variance: Array.from(before, (variance, k) => variance - over((i) => solution[i][k] * cross[i][k])),
  };
}

function expectClose(actual: Float64Array, expected: readonly number[]): void {
  for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 7);
}

/** Rows `from` to `to` of a set. */
const slice = (set: Encoded, from: number, to: number): Encoded => ({
  ...set,
  count: to - from,
  numbers: set.numbers.slice(from * set.width, to * set.width),
  choices: set.choices.slice(from * set.decisions, to * set.decisions),
});

describe('the kernel', () => {
  it('is symmetric, its own variance on the diagonal, and positive definite', () => {
    const set = randomSet(25, random);
    const matrix = matrixOf(set, set);
    const variances = kernel.variances(set);
    for (let i = 0; i < set.count; i++) {
      expect(matrix[i][i]).toBeCloseTo(variances[i], 9);
      for (let j = 0; j < i; j++) expect(matrix[i][j]).toBeCloseTo(matrix[j][i], 9);
    }
    const weights = normals(set.count, random);
    const form = matrix.reduce(
      (sum, row, i) => sum + weights[i] * row.reduce((own, value, j) => own + value * weights[j], 0),
      0,
    );
    expect(form).toBeGreaterThan(0);
  });

  it('has a posterior with the gradient of finite differences', () => {
    const set = randomSet(12, random);
    const targets = normals(set.count, random);
    const extraVariances = normals(set.count, random).map((value) => value ** 2);
    const observations = { targets, extraVariances };
    const gradient = new Float64Array(size);
    negativeLogPosterior(shape, set, observations, theta, gradient);
    const h = 1e-5;
    for (let k = 0; k < size; k++) {
      const value = (step: number): number =>
        negativeLogPosterior(shape, set, observations, theta.with(k, theta[k] + step), new Float64Array(size));
      expect(gradient[k]).toBeCloseTo((value(h) - value(-h)) / (2 * h), 4);
    }
  });

  it('is fitted to what is more probable than the prior mean', () => {
    const set = randomSet(40, random);
    const truth = new Kernel(shape, theta.with(5, 2).with(4, -3));
    // A draw from the process itself.
    const factor = new GaussianProcess(truth, set.width, set.decisions);
    for (let i = 0; i < set.count; i++) factor.observe(set, i);
    const noise = normals(set.count, random);
    const targets = noise.map((_, i) => factor.factor.row(i).reduce((sum, value, j) => sum + value * noise[j], 0));
    const observations = { targets, extraVariances: new Float64Array(set.count) };
    const loss = (at: Float64Array): number =>
      negativeLogPosterior(shape, set, observations, at, new Float64Array(size));
    expect(loss(fitHyperparameters(shape, set, observations))).toBeLessThan(loss(priorOf(shape).mean) - 1);
  });
});

describe('a Gaussian process', () => {
  const inputs = randomSet(20, random);
  const pool = randomSet(50, random);
  const targets = normals(inputs.count, random);
  const process = new GaussianProcess(kernel, inputs.width, inputs.decisions);
  const posterior = new PoolPosterior(process, pool);
  for (let i = 0; i < inputs.count; i++) {
    process.observe(inputs, i, targets[i]);
    if (i % 3 === 1) posterior.follow();
  }

  it('predicts as a direct solve does, for new candidates and for a pool that is updated row by row', () => {
    const expected = direct(inputs, targets, pool);
    for (const { mean, variance } of [
      new PoolPosterior(process, pool).predict(),
      posterior.predict(slice(pool, 0, 0)),
    ]) {
      expectClose(mean, expected.mean);
      expectClose(variance, expected.variance);
    }
    const mean = process.meanOf(pool);
    for (let i = 0; i < pool.count; i++) expect(mean(i)).toBeCloseTo(expected.mean[i], 7);
    expect(covariance(kernel, inputs, new Float64Array(inputs.count))[0]).toBeCloseTo(
      matrixOf(inputs, inputs)[0][0] + kernel.noise,
      9,
    );
  });

  it('learns less from a target with more extra variance', () => {
    const shifts = [0, 0.5, 100].map((extraVariance) => {
      const uncertain = new GaussianProcess(kernel, inputs.width, inputs.decisions);
      uncertain.observe(inputs, 0, 3, extraVariance);
      return new PoolPosterior(uncertain, inputs).predict();
    });
    const [sure, unsure, vague] = shifts.map(({ mean }) => mean[0]);
    expect(unsure).toBeLessThan(sure);
    expect(Math.abs(vague)).toBeLessThan(0.1);
    expect(shifts[2].variance[0]).toBeCloseTo(kernel.variances(inputs)[0], 1);
  });

  it('takes the difference of each target from its own mean there for noise', () => {
    const mean = process.meanOf(inputs);
    const noise = process.residuals();
    for (let i = 0; i < inputs.count; i++) expect(noise[i]).toBeCloseTo(targets[i] - mean(i), 7);
  });

  it('treats pending candidates as observed at their expected values, only while it predicts', () => {
    const pending = slice(pool, 3, 6);
    const before = posterior.predict(slice(pool, 0, 0));
    const believed = posterior.predict(pending);
    expectClose(believed.mean, [...before.mean]);
    for (let i = 0; i < pool.count; i++) expect(believed.variance[i]).toBeLessThanOrEqual(before.variance[i] + 1e-12);
    expect(believed.variance[4]).toBeLessThan(0.5 * before.variance[4]);
    const all: Encoded = {
      ...inputs,
      count: 23,
      numbers: Float64Array.from([...inputs.numbers, ...pending.numbers]),
      choices: Int16Array.from([...inputs.choices, ...pending.choices]),
    };
    const means = direct(inputs, targets, pending).mean;
    expectClose(believed.variance, direct(all, Float64Array.from([...targets, ...means]), pool).variance);
    expect(posterior.predict(slice(pool, 0, 0))).toEqual(before);
    expect(process.observations).toBe(inputs.count);
  });
});
