import '@tensorflow/tfjs-backend-cpu';
// TF.js's gradients are registered with its layers.
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  attentionDistance,
  crossEntropy,
  decoupledDistillation,
  hintDistance,
  knowledgeDistillation,
  totalLoss,
} from '../../../trainers/losses/index.js';
import { lossFor } from '../../../trainers/losses/schema.js';
import { lossSchema } from '../../../trainers/schema.js';
import { finiteDifferences, gradient } from '../support/finite-differences.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const value = (f: () => tf.Tensor): number => tf.tidy(() => f().dataSync()[0]);
const softmax = (row: readonly number[]): number[] => {
  const e = row.map((x) => Math.exp(x - Math.max(...row)));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((x) => x / total);
};
const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const kl = (p: readonly number[], q: readonly number[]): number =>
  p.reduce((sum, x, i) => sum + (x === 0 ? 0 : x * Math.log(x / (q[i] ?? NaN))), 0);

const labels = [
  [0, 1, 0, 0],
  [0.7, 0, 0, 0.3],
  [0, 0, 1, 0],
];
const student = [
  [0.2, -1, 0.5, 2],
  [1.5, 0.1, -0.4, 0.3],
  [-2, 0.3, 3, 1],
];
const teacher = [
  [0.1, 4, -1, 1],
  [2, -3, 0.5, 1],
  [0, 0.2, 1, 5],
];
const L = (): tf.Tensor2D => tf.tensor2d(labels);
const T = (): tf.Tensor2D => tf.tensor2d(teacher);
const S = (): tf.Tensor2D => tf.tensor2d(student);

describe('cross-entropy', () => {
  test.each([0, 0.1, 1])('is the mean over the batch of -sum y log p with smoothing %d', (smoothing) => {
    const expected = meanOf(
      student.map((row, i) => {
        const p = softmax(row);
        return -(labels[i] ?? []).reduce(
          (sum, y, c) => sum + ((1 - smoothing) * y + smoothing / 4) * Math.log(p[c] ?? 0),
          0,
        );
      }),
    );
    expect(value(() => crossEntropy(L(), S(), smoothing))).toBeCloseTo(expected, 5);
  });

  test('is finite for logits of any size', () => {
    expect(value(() => crossEntropy(tf.tensor2d([[1, 0]]), tf.tensor2d([[-2e4, 2e4]])))).toBeCloseTo(4e4, 0);
  });
});

describe('knowledge distillation', () => {
  test.each([1, 4])('is T^2 KL(teacher || student) at temperature %d', (t) => {
    const expected = meanOf(
      student.map(
        (row, i) => t * t * kl(softmax((teacher[i] ?? []).map((x) => x / t)), softmax(row.map((x) => x / t))),
      ),
    );
    expect(value(() => knowledgeDistillation(T(), S(), t))).toBeCloseTo(expected, 5);
  });

  test('is 0 when the student agrees up to a constant', () => {
    expect(value(() => knowledgeDistillation(T(), tf.add(T(), 3), 2))).toBeCloseTo(0, 5);
  });
});

describe('decoupled distillation', () => {
  const parts = (row: readonly number[], target: number, t: number): { binary: number[]; others: number[] } => {
    const p = softmax(row.map((x) => x / t))[target] ?? NaN;
    return { binary: [p, 1 - p], others: softmax(row.filter((_, c) => c !== target).map((x) => x / t)) };
  };

  test.each([1, 3])('is T^2 (alpha TCKD + beta NCKD) at temperature %d', (t) => {
    const targets = [1, 0, 2];
    const expected = meanOf(
      student.map((row, i) => {
        const s = parts(row, targets[i] ?? 0, t);
        const q = parts(teacher[i] ?? [], targets[i] ?? 0, t);
        return t * t * (0.5 * kl(q.binary, s.binary) + 3 * kl(q.others, s.others));
      }),
    );
    const config = { temperature: t, alpha: 0.5, beta: 3 };
    expect(value(() => decoupledDistillation(L(), T(), S(), config))).toBeCloseTo(expected, 4);
  });

  test('with alpha 1 and beta 1 - p of the teacher it is the undivided distillation (the identity of the paper)', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 8, maxLength: 8 }), (logits) => {
        const q = logits.slice(0, 4);
        const s = logits.slice(4);
        const beta = 1 - (softmax(q)[2] ?? NaN);
        const decoupled = value(() =>
          decoupledDistillation(tf.tensor2d([[0, 0, 1, 0]]), tf.tensor2d([q]), tf.tensor2d([s]), {
            temperature: 1,
            alpha: 1,
            beta,
          }),
        );
        expect(decoupled).toBeCloseTo(
          value(() => knowledgeDistillation(tf.tensor2d([q]), tf.tensor2d([s]), 1)),
          4,
        );
      }),
      { numRuns: 30 },
    );
  });

  test('stays finite when the teacher is certain', () => {
    const certain = (): tf.Tensor2D => tf.tensor2d([[0, 200, -200]]);
    const config = { temperature: 1, alpha: 1, beta: 4 };
    const result = value(() =>
      decoupledDistillation(tf.tensor2d([[0, 1, 0]]), certain(), tf.tensor2d([[5, -5, 0]]), config),
    );
    expect(Number.isFinite(result)).toBe(true);
  });
});

describe('losses on features', () => {
  const features = [1, 2, 3, 4, 5, 6, 7, 8];

  test('hints: mean squared error', () => {
    const a = (): tf.Tensor => tf.tensor4d(features, [1, 2, 2, 2]);
    expect(value(() => hintDistance(a(), tf.add(a(), 0.5)))).toBeCloseTo(0.25, 6);
  });

  test('attention: squared distance of the normalised maps, for any channels', () => {
    const maps = [
      [1 + 4, 9 + 16, 25 + 36, 49 + 64],
      [1, 0, 4, 0],
    ].map((map) => map.map((x) => x / Math.hypot(...map)));
    const expected = (maps[0] ?? []).reduce((sum, x, i) => sum + (x - (maps[1]?.[i] ?? NaN)) ** 2, 0);
    const actual = value(() =>
      attentionDistance(tf.tensor4d(features, [1, 2, 2, 2]), tf.tensor4d([1, 0, 2, 0], [1, 2, 2, 1])),
    );
    expect(actual).toBeCloseTo(expected, 5);
  });

  test('attention does not depend on the scale and has a gradient for a silent map', () => {
    const a = (): tf.Tensor => tf.tensor4d(features, [1, 2, 2, 2]);
    expect(value(() => attentionDistance(a(), tf.mul(a(), 7)))).toBeCloseTo(0, 6);
    const silent = gradient((x) => attentionDistance(tf.reshape(x, [1, 2, 2, 2]), a()), [[0, 0, 0, 0, 0, 0, 0, 0]]);
    expect(silent.every(Number.isFinite)).toBe(true);
  });
});

describe('gradients agree with finite differences', () => {
  const constant = tf.tidy(() => tf.keep(tf.tensor4d([0.5, 2, 1, 0.3, 2, 1, 0.1, 0.7, 1, 2, 0.4, 0.2], [3, 2, 2, 1])));
  test.each<[string, (x: tf.Tensor2D) => tf.Tensor]>([
    ['cross-entropy', (x) => crossEntropy(L(), x, 0.1)],
    ['kd', (x) => knowledgeDistillation(T(), x, 3)],
    ['dkd', (x) => decoupledDistillation(L(), T(), x, { temperature: 2, alpha: 1, beta: 4 })],
    ['hints', (x) => hintDistance(x, T())],
    ['attention', (x) => attentionDistance(tf.reshape(x, [3, 2, 2, 1]), constant)],
  ])('%s', (_name, loss) => {
    const expected = finiteDifferences(loss, student);
    gradient(loss, student).forEach((g, i) => expect(g).toBeCloseTo(expected[i] ?? NaN, 2.5));
  });
});

describe('the configured loss', () => {
  const features = [
    { student: tf.ones([3, 2, 2, 1]), teacher: tf.zeros([3, 2, 2, 1]), adapt: (x: tf.Tensor) => tf.mul(x, 2) },
    { student: tf.ones([3, 1, 2, 1]), teacher: tf.zeros([3, 1, 2, 1]), adapt: (x: tf.Tensor) => x },
  ];

  test('kd weighs cross-entropy, distillation and the mean of the features', () => {
    const config = lossSchema.parse({ type: 'kd', alpha: 0.25, temperature: 2, hints: 0.1 });
    const actual = value(() => totalLoss(config, { labels: L(), logits: S(), teacher: T(), features }));
    const expected =
      0.75 * value(() => crossEntropy(L(), S())) +
      0.25 * value(() => knowledgeDistillation(T(), S(), 2)) +
      (0.1 * (4 + 1)) / 2;
    expect(actual).toBeCloseTo(expected, 5);
  });

  test('dkd adds to the whole cross-entropy', () => {
    const config = lossSchema.parse({ type: 'dkd', label_smoothing: 0.1 });
    const actual = value(() => totalLoss(config, { labels: L(), logits: S(), teacher: T(), features: [] }));
    const expected =
      value(() => crossEntropy(L(), S(), 0.1)) +
      value(() => decoupledDistillation(L(), T(), S(), { temperature: 4, alpha: 1, beta: 4 }));
    expect(actual).toBeCloseTo(expected, 5);
  });

  test('is distillation with a teacher, cross-entropy without', () => {
    expect(lossFor(undefined, 'train')).toMatchObject({ type: 'kd', temperature: 4 });
    expect(lossFor(undefined, 'none')).toEqual({ type: 'cross-entropy', label_smoothing: 0 });
  });

  test('is refused when the teacher cannot give what it needs', () => {
    expect(() => lossFor(lossSchema.parse({ type: 'dkd' }), 'none')).toThrow(/there is no teacher/);
    expect(() => lossFor(lossSchema.parse({ type: 'kd', attention: 1 }), 'onnx')).toThrow(
      /train\.loss\.attention needs/,
    );
    expect(() => lossFor(lossSchema.parse({ type: 'kd', hints: 1 }), 'layers-model')).not.toThrow();
  });
});
