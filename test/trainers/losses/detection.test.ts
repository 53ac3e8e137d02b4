import '@tensorflow/tfjs-backend-cpu';
// TF.js's gradients are registered with its layers.
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Random } from '../../../base/random.js';
import { compile } from '../../../compiler/index.js';
import {
  centroidLoss,
  centroidScore,
  detectionLoss,
  detectionScore,
  mapDistillation,
} from '../../../trainers/losses/detection.js';

const numbers = z.array(z.number());
/** Values of PyTorch in float64: fixtures/make-detection.py. */
const fixture = z
  .object({
    shape: z.tuple([z.number(), z.number(), z.number()]),
    classes: z.number(),
    cases: z.array(
      z.object({ name: z.string(), outputs: numbers, targets: numbers, loss: z.number(), gradients: numbers }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('./fixtures/detection-loss.json', import.meta.url), 'utf8')));
const { shape, classes, cases } = fixture;
const [outputShape, targetShape] = [
  [...shape, classes + 4],
  [...shape, 5],
];

const lossAndGradients = ({ outputs, targets }: Record<string, tf.Tensor>): Record<string, tf.Tensor> => {
  const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => detectionLoss(targets, x))(outputs);
  return { loss: value, grad };
};

const far = (a: ArrayLike<number>, b: readonly number[]): number =>
  Math.max(...b.map((value, i) => Math.abs(value - a[i]) / Math.max(1, Math.abs(value))));

beforeAll(async () => void (await tf.setBackend('cpu')));

describe('the loss of a detector', () => {
  it.each(cases)('is PyTorch’s, with its gradients: $name', ({ outputs, targets, loss, gradients }) => {
    const found = tf.tidy(() => {
      const result = lossAndGradients({
        outputs: tf.tensor(outputs, outputShape),
        targets: tf.tensor(targets, targetShape),
      });
      return { loss: result.loss.dataSync()[0], grad: result.grad.dataSync() };
    });
    expect(far([found.loss], [loss])).toBeLessThan(1e-5);
    expect(far(found.grad, gradients)).toBeLessThan(1e-5);
  });

  it('is the same compiled', async () => {
    const program = await compile(lossAndGradients, {
      outputs: { shape: outputShape },
      targets: { shape: targetShape },
    });
    for (const { outputs, targets, loss, gradients } of cases) {
      const result = await program.run({ outputs: Float32Array.from(outputs), targets: Float32Array.from(targets) });
      expect(far(result.loss.data as Float32Array, [loss])).toBeLessThan(1e-5);
      expect(far(result.grad.data as Float32Array, gradients)).toBeLessThan(1e-5);
    }
    await program.dispose();
  });

  it('falls as a box comes nearer, also from where boxes do not meet', () => {
    const target = tf.tensor([0, 0.2, -0.1, 2, 1], [1, 1, 1, 5]);
    const at = (...box: number[]): number => detectionLoss(target, tf.tensor([9, ...box], [1, 1, 1, 5])).dataSync()[0];
    const nearer = [at(9, 9, 0, 0), at(4, 4, 0, 0), at(1, 1, 0, 0), at(0.2, -0.1, 0, 0), at(0.2, -0.1, Math.log(2), 0)];
    expect(nearer).toEqual([...nearer].sort((a, b) => b - a));
    expect(nearer[4]).toBeLessThan(1e-3);
    expect(nearer[0]).toBeLessThan(4.1);
  });
});

describe('the distance from the maps of a teacher', () => {
  const random = new Random(1, 'maps');
  const size = 2 * 3 * 4;
  const maps = (): tf.Tensor =>
    tf.tensor(
      Float32Array.from({ length: size * 6 }, () => random.normal()),
      [2, 3, 4, 6],
    );

  it('is the loss of a detector where the teacher is sure', () => {
    const cells = Array.from({ length: size }, (_, i) => ({ label: (i % 4) - 2, box: [0.1 * i, -0.2, 0.3, 0.02 * i] }));
    const targets = cells.map(({ label, box: [dx, dy, w, h] }) => [label, dx, dy, Math.exp(w), Math.exp(h)]);
    // Cells that labels ignore are background for a teacher.
    const labels = tf.tensor(targets.map(([label, ...box]) => [Math.max(-1, label), ...box]).flat(), [2, 3, 4, 5]);
    const teacher = tf.tensor(
      cells.flatMap(({ label, box }) => [...[0, 1].map((k) => (k === label ? 40 : -40)), ...box]),
      [2, 3, 4, 6],
    );
    const student = maps();
    const [found, expected] = [mapDistillation(teacher, student, 'detection'), detectionLoss(labels, student)];
    expect(found.dataSync()[0]).toBeCloseTo(expected.dataSync()[0], 4);
    const [sure, logits] = [teacher, student].map((both) => tf.split(both, [2, 4], 3)[0]);
    const middles = [mapDistillation(sure, logits, 'centroids'), centroidLoss(labels, logits)];
    expect(middles[0].dataSync()[0]).toBeCloseTo(middles[1].dataSync()[0], 4);
  });

  it('does not change logits that are the teacher’s', () => {
    const teacher = maps();
    const most = (student: tf.Tensor): number => {
      const { grad } = tf.valueAndGrad((x: tf.Tensor) => mapDistillation(teacher, x, 'detection'))(student);
      return Math.max(...tf.abs(tf.slice(grad, [0, 0, 0, 0], [-1, -1, -1, 2])).dataSync());
    };
    expect(most(teacher)).toBeLessThan(1e-6);
    expect(most(maps())).toBeGreaterThan(0.01);
  });
});

describe('the loss of centroids', () => {
  it.each(cases)('is the part of classes: $name', ({ outputs, targets }) => {
    const [own, all] = tf.tidy(() => {
      const labels = tf.tensor(targets, targetShape);
      const maps = tf.tensor(outputs, outputShape);
      const [logits, boxes] = tf.split(maps, [classes, 4], 3);
      // Where boxes are right, their loss is 0.
      const [, middle, sides] = tf.split(labels, [1, 2, 2], 3);
      const right = tf.concat([middle, tf.log(tf.maximum(sides, 1e-3))], 3);
      const perfect = tf.concat([logits, tf.reshape(right, boxes.shape)], 3);
      return [centroidLoss(labels, logits), detectionLoss(labels, perfect)].map((loss) => loss.dataSync()[0]);
    });
    expect(far([own], [all])).toBeLessThan(1e-5);
  });
});

describe('the score of a batch in training', () => {
  it('is the share of cells with an object that name its class, and 1 for an image without objects', () => {
    const cell = (label: number): number[] => [label, 0, 0, 1, 1];
    const targets = tf.tensor([...cell(0), ...cell(1), ...cell(-1), ...cell(-2)], [2, 1, 2, 5]);
    const logits = [
      [2, 1],
      [3, 0],
      [5, 6],
      [7, 1],
    ].flatMap((own) => [...own, 0, 0, 0, 0]);
    const maps = tf.tensor(logits, [2, 1, 2, 6]);
    expect(detectionScore(targets, maps).dataSync()[0]).toBe(1.5);
    expect(centroidScore(targets, tf.slice(maps, [0, 0, 0, 0], [-1, -1, -1, 2])).dataSync()[0]).toBe(1.5);
  });
});
