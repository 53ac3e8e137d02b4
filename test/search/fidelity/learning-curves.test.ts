import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../base/random.js';
import { compile } from '../../../compiler/index.js';
import { LearningCurves, type Curve } from '../../../search/fidelity/learning-curves.js';
import type { Objective } from '../../../search/index.js';

const objectives: readonly Objective[] = [
  { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
  { name: 'macs', direction: 'minimize', cost: 'cheap' },
];
const rungs = [1, 3, 9];

/** Accuracies after the first rungs, for networks that gain the more the larger they are. */
function trial(random: Random, reached: number, noise = 0): Curve {
  const macs = Math.exp(3 * random.uniform());
  const gain = (early: number): number => 0.2 - 0.4 * (early - 0.5) + 0.02 * Math.log(macs) + noise * random.normal();
  const first = 0.4 + 0.2 * random.uniform();
  const second = first + gain(first);
  return [first, second, second + gain(second)]
    .slice(0, reached)
    .map((accuracy, level) => ({ at: rungs[level], values: { accuracy, macs } }));
}

const curvesOf = (trials: readonly Curve[]) => new LearningCurves(objectives, 'accuracy', rungs, trials);

describe('the curves of a training', () => {
  test('follows value and size from rung to rung, as in promoted trials', () => {
    const random = new Random(1, 'trials');
    const whole = Array.from({ length: 30 }, () => trial(random, 3));
    const others = Array.from({ length: 10 }, () => trial(random, 3));
    const curves = curvesOf([...whole, ...others.map((own) => own.slice(0, 1))]);
    for (const [first, second, last] of others) {
      for (const { at, values } of [first, second])
        expect(curves.predict(at, values).mean).toBeCloseTo(last.values['accuracy'], 2);
      expect(curves.predict(first.at, first.values).deviation).toBeGreaterThan(
        curves.predict(second.at, second.values).deviation,
      );
    }
  });

  test('has calibrated deviations', () => {
    let within = 0;
    const worlds = 300;
    for (let seed = 0; seed < worlds; seed++) {
      const random = new Random(seed, 'world');
      const known = Array.from({ length: 12 }, (_, i) => trial(random, i < 6 ? 3 : 1, 0.03));
      const [first, , last] = trial(random, 3, 0.03);
      const { mean, deviation } = curvesOf(known).predict(first.at, first.values);
      if (Math.abs(last.values['accuracy'] - mean) < deviation) within++;
    }
    expect(within / worlds).toBeGreaterThan(0.58);
    expect(within / worlds).toBeLessThan(0.85);
  });

  test('is certain at the end of training, and finite with a single trial', () => {
    const random = new Random(2, 'trials');
    const [only] = trial(random, 1);
    const curves = curvesOf([[only]]);
    expect(curves.predict(9, { accuracy: 0.7, macs: 2 })).toEqual({ mean: 0.7, deviation: 0 });
    const { mean, deviation } = curves.predict(1, only.values);
    expect(mean).toBeCloseTo(only.values['accuracy'], 9);
    expect(Number.isFinite(deviation)).toBe(true);
  });

  test('is finite for sizes of 0 after ONNX Runtime has run, which flushes the smallest numbers to zero', async () => {
    await tf.setBackend('cpu');
    const program = await compile(({ x }) => ({ sum: tf.sum(x) }), { x: { shape: [2] } });
    await program.run({ x: Float32Array.of(1, 2) });
    await program.dispose();
    const [first, second] = [0.5, 0.6].map((accuracy, level) => ({ at: rungs[level], values: { accuracy, macs: 0 } }));
    const { mean, deviation } = curvesOf([[first, second], [first]]).predict(1, first.values);
    expect(mean).toBeCloseTo(0.6, 1);
    expect(deviation).toBeGreaterThan(0);
  });
});
