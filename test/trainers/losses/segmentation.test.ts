import '@tensorflow/tfjs-backend-cpu';
// TF.js's gradients are registered with its layers.
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { metricsOf } from '../../../base/scores.js';
import { wrongPixels } from '../../../base/seen-masks.js';
import { gridOf } from '../../../trainers/data/box-targets.js';
import { writeMaskTargets } from '../../../trainers/data/mask-targets.js';
import { totalLoss } from '../../../trainers/losses/index.js';
import { MaskScoreboard } from '../../../trainers/mask-scoreboard.js';
import { lossSchema, type Loss } from '../../../trainers/schema/loss.js';

const numbers = z.array(z.number());
/** Values of PyTorch in float64: fixtures/make-segmentation.py. The last cells of a row and a column are cut. */
const fixture = z
  .object({
    shape: z.tuple([z.number(), z.number(), z.number(), z.number()]),
    size: z.tuple([z.number(), z.number()]),
    stride: z.number(),
    ...{ weights: numbers, temperature: z.number(), alpha: z.number(), smoothing: z.number() },
    ...{ mask: numbers, logits: numbers, teacher: numbers },
    cases: z.array(z.object({ name: z.string(), loss: z.number(), gradients: numbers })),
    ...{ entropy: z.number(), confusion: z.array(numbers), iou: numbers },
    errors: z.object({ score: z.number(), worst_iou: z.number(), pixel_accuracy: z.number() }),
  })
  .parse(JSON.parse(readFileSync(new URL('./fixtures/segmentation.json', import.meta.url), 'utf8')));
const { shape, size, stride, weights: classWeights, temperature, alpha, smoothing: label_smoothing } = fixture;
const [images, rows, columns, classes] = shape;
const grid = gridOf(size, stride);
const pixels = size[0] * size[1];
const maskOf = (image: number): Uint8Array => Uint8Array.from(fixture.mask.slice(image * pixels, (image + 1) * pixels));

const targets = new Float32Array(images * rows * columns * classes);
for (let i = 0; i < images; i++)
  writeMaskTargets(grid, maskOf(i), size, classes, targets.subarray((i * targets.length) / images));

const losses: Readonly<Record<string, Loss>> = {
  'cross-entropy': lossSchema.parse({ type: 'cross-entropy' }),
  weights: { ...lossSchema.parse({ type: 'cross-entropy' }), classWeights },
  smoothed: { ...lossSchema.parse({ type: 'cross-entropy', label_smoothing }), classWeights },
  distilled: lossSchema.parse({ type: 'kd', temperature, alpha }),
};

const far = (a: ArrayLike<number>, b: readonly number[]): number =>
  Math.max(...b.map((value, i) => Math.abs(value - a[i]) / Math.max(1, Math.abs(value))));

beforeAll(async () => void (await tf.setBackend('cpu')));

describe('the loss of a segmenter', () => {
  it.each(fixture.cases)('is that of PyTorch over pixels, with its gradients: $name', ({ name, loss, gradients }) => {
    const found = tf.tidy(() => {
      const [labels, teacher] = [tf.tensor(targets, shape), tf.tensor(fixture.teacher, shape)];
      const { value, grad } = tf.valueAndGrad((logits: tf.Tensor) =>
        totalLoss({ ...losses[name], task: 'segmentation' }, { labels, logits, teacher }),
      )(tf.tensor(fixture.logits, shape));
      return { loss: value.dataSync(), grad: grad.dataSync() };
    });
    expect(far(found.loss, [loss])).toBeLessThan(1e-5);
    expect(far(found.grad, gradients)).toBeLessThan(1e-5);
  });
});

describe('the scores of a segmenter', () => {
  const board = (keepsWrong = false): MaskScoreboard =>
    new MaskScoreboard({ grid, classes, size, keepsWrong }, (positions, into) => into.set(maskOf(positions[0])));

  it('are those of pixels by a second implementation, in any batches', () => {
    const logits = Float32Array.from(fixture.logits);
    const [whole, parts] = [board(), board()];
    whole.add(logits, targets, images);
    const each = logits.length / images;
    for (let i = 0; i < images; i++)
      parts.add(logits.subarray(i * each, (i + 1) * each), targets.subarray(i * each, (i + 1) * each), 1);
    const { accuracy, loss, count, details } = whole.scores();
    expect(parts.scores()).toEqual({ ...whole.scores(), loss: expect.closeTo(loss, 12) as number });
    expect(count).toBe(images);
    expect(details.confusion).toEqual(fixture.confusion);
    expect(
      far(
        details.classes.map(({ iou }) => Number(iou)),
        fixture.iou,
      ),
    ).toBeLessThan(1e-8);
    expect(accuracy).toBeCloseTo(fixture.iou.reduce((a, b) => a + b) / classes, 8);
    expect(loss).toBeCloseTo(fixture.entropy, 5);
    const { score, worst_iou, pixel_accuracy } = details.errors;
    const { errors } = fixture;
    expect(score).toBeCloseTo(errors.score, 8);
    expect(worst_iou).toBeCloseTo(errors.worst_iou, 8);
    expect(pixel_accuracy).toBeCloseTo(errors.pixel_accuracy, 8);
    expect(metricsOf(details).worst_iou).toBeCloseTo(Math.min(...fixture.iou), 8);
  });

  it('leave out classes that occur nowhere, and are 0 where every pixel is ignored', () => {
    const logits = new Float32Array(rows * columns * classes);
    const scoresOf = (label: number) => {
      const own = new MaskScoreboard({ grid, classes, size }, (_, into) => into.fill(label));
      own.add(logits, logits, 1);
      return own.scores();
    };
    const right = scoresOf(0);
    expect(right.accuracy).toBe(1);
    expect(right.details.classes.map(({ iou }) => iou)).toEqual([1, null, null, null]);
    const none = scoresOf(255);
    expect([none.accuracy, ...Object.values(metricsOf(none.details)), ...Object.values(none.details.errors)]).toEqual(
      new Array(6).fill(0),
    );
  });

  it('keep the images with most wrong pixels where they are asked for', () => {
    const own = board(true);
    own.add(Float32Array.from(fixture.logits), targets, images);
    const worst = own.scores().seen?.worst.flatMap((image) => ('runs' in image ? [image] : [])) ?? [];
    const shares = worst.map(({ wrong }) => wrong);
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    expect(worst.map(({ row }) => row).toSorted()).toEqual([0, 1, 2]);
    for (const image of worst)
      expect(wrongPixels(image) / maskOf(image.row).filter((label) => label < 255).length).toBeCloseTo(image.wrong, 12);
  });

  it('refuse maps of another stride', () => {
    expect(() => board().add(new Float32Array(classes), targets, 1)).toThrow(/are no 3 x 4 cells of 4 classes/);
  });
});
