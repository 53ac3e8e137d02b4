import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { apply, initialWeights, weightsFrom } from '../../../spaces/models/index.js';
import { createEngine } from '../../../trainers/index.js';
import { pointsOf } from '../../../trainers/quantize-aware/rounding.js';
import { roundedWeights, roundingMode, stepsOf, type Int8Rounding } from '../../../trainers/quantize-aware/rounding.js';
import { noiseBatch, tinyStudent, update } from '../support/networks.js';
import { compiled, eager } from '../support/tiny-training.js';
import { batch, everything, run, specOf, threads } from '../engines/contract.js';

beforeEach(() => tf.disposeVariables());
afterEach(() => tf.disposeVariables());

const network = tinyStudent();
const quantizationOf = (range: readonly [number, number], weightBits: 7 | 8 = 8): Int8Rounding => ({
  weightBits,
  ranges: new Map(pointsOf(network).points.map(({ layer }) => [layer, range])),
});
const quantization = quantizationOf([-4, 4]);

describe('steps of bytes', () => {
  test('hold both ends and zero', () => {
    expect(stepsOf([0, 2.55])).toEqual({ low: -0, high: 255 * Math.fround(0.01), scale: Math.fround(0.01) });
    expect(stepsOf([1, 2.55]).low).toBe(-0);
    expect(stepsOf([0, 0]).scale).toBe(1);
  });

  test('zero is one of them, and the range as wide as was asked for, to half a step', () => {
    const end = fc.integer({ min: -1e6, max: 1e6 }).map((x) => x / 1000);
    fc.assert(
      fc.property(end, end, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const steps = stepsOf([low, high]);
        const zero = -steps.low / steps.scale;
        expect(zero).toBeCloseTo(Math.round(zero), 9);
        expect((steps.high - steps.low) / steps.scale).toBeCloseTo(255, 6);
        expect(Math.abs(steps.low - Math.min(0, low))).toBeLessThanOrEqual(steps.scale * 0.501);
      }),
    );
  });
});

describe('a rounded network', () => {
  test('gives logits and features that are steps, of kernels that are steps', () => {
    const weights = weightsFrom(initialWeights(network, 2));
    const features = ['stem_act', 'block1_add', 'head_pool'];
    const { images } = noiseBatch(network, 3, 0);
    const mode = { ...roundingMode(network, quantization), features };
    const { logits, features: maps } = apply(
      network,
      roundedWeights(weights, quantization),
      tf.tensor(images, [3, ...network.input]),
      mode,
    );
    const { scale } = stepsOf([-4, 4]);
    for (const value of [logits, ...maps].flatMap((map) => [...map.dataSync()]))
      expect(Math.abs(value / scale - Math.round(value / scale))).toBeLessThan(1e-3);
    const stem = roundedWeights(weights, quantizationOf([0, 1], 7))('stem/kernel', [3, 3, 1, 4]);
    const [first] = tf.split(stem, 4, 3);
    const step = Math.max(...first.dataSync().map(Math.abs)) / 64;
    for (const value of first.dataSync()) expect(Math.abs(value / step - Math.round(value / step))).toBeLessThan(1e-3);
    const bias = roundedWeights(weights, quantization)('logits/bias', [10]);
    expect([...bias.dataSync()]).toEqual([...weights('logits/bias', [10]).dataSync()]);
  });

  test('refuses to be made without the range of a point', () => {
    expect(() => roundingMode(network, { weightBits: 8, ranges: new Map() })).toThrow('there is no range for input');
  });
});

describe('a training step with rounding', () => {
  test('comes to the same losses on both engines, and learns', async () => {
    const losses = await Promise.all(
      [compiled, eager].map(async (config) => {
        const engine = await createEngine(config, specOf({ quantization }), { threads, batch });
        const found = await run(engine, 0, 12, 0.02);
        await engine.dispose();
        return found;
      }),
    );
    // A value halfway between two steps may be rounded to either.
    losses[0].forEach((loss, i) => expect(Math.abs(loss - losses[1][i])).toBeLessThan(0.02 * (1 + i)));
    expect(losses[0][0]).toBeCloseTo(losses[1][0], 2);
    expect(losses[0].slice(9).reduce((a, b) => a + b)).toBeLessThan(losses[0].slice(0, 3).reduce((a, b) => a + b));
  });

  test('leaves the statistics of batch norm alone, and works with everything else that a step may have', async () => {
    const engine = await createEngine(compiled, specOf({ ...everything, quantization }), { threads, batch });
    const before = await engine.state();
    await update(engine, noiseBatch(network, batch, 0), 0.02, 0);
    const after = await engine.state();
    const moved = [...before].filter(([name, { data }]) => data.some((x, i) => x !== after.get(name)?.data[i]));
    const names = moved.map(([name]) => name);
    expect(names).toContain('model/stem/kernel');
    expect(names).toContain('model/stem_bn/gamma');
    expect(names).toContain('average/logits/kernel');
    expect(names.filter((name) => name.includes('/moving_'))).toEqual([]);
    await engine.dispose();
  });
});
