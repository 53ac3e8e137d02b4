import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import type { ImageShape } from '../../../trainers/data/augment/image.js';
import { augmentSchema, type Augmentation } from '../../../trainers/data/augment/schema.js';
import { createSteps } from '../../../trainers/data/augment/steps.js';
import { Renderer } from '../../../trainers/data/views.js';

const shapes = fc.record({
  height: fc.integer({ min: 1, max: 9 }),
  width: fc.integer({ min: 1, max: 9 }),
  channels: fc.constantFrom(1, 3),
});
const steps = ['flip', 'crop', 'cutout', 'rotation', 'resized-crop', 'colour-jitter', 'trivial-augment'];
const augments = fc
  .array(fc.oneof(fc.constantFrom(...steps), fc.constant({ type: 'crop', pixels: 3 })), { maxLength: 4 })
  .map((list) => augmentSchema.parse(list));

/** Reference: makes an image of its own after each step, and normalises at the end. */
function slowRender(
  pixels: Uint8Array,
  shape: ImageShape,
  augment: Augmentation,
  mean: readonly number[],
  std: readonly number[],
  random: Random,
): number[] {
  const { height, width, channels } = shape;
  const covered = new Set<number>();
  let image = Uint8ClampedArray.from(pixels);
  for (const step of createSteps(augment, shape)) {
    const before = image;
    image = new Uint8ClampedArray(before.length);
    if (step.kind === 'paint') step.paint(before, image, random);
    else image.set(before);
    if (step.kind === 'move') {
      const rows = Int32Array.from({ length: height }, (_, i) => i);
      const columns = Int32Array.from({ length: width }, (_, i) => i);
      step.move({ rows, columns }, random);
      for (let i = 0; i < image.length; i++) {
        const [y, x, c] = [Math.floor(i / channels / width), Math.floor(i / channels) % width, i % channels];
        image[i] = before[(rows[y] * width + columns[x]) * channels + c];
      }
    }
    if (step.kind === 'cover') {
      const { top, bottom, left, right } = step.cover(random);
      for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) covered.add(y * width + x);
    }
  }
  return Array.from(image, (value, i) =>
    covered.has(Math.floor(i / channels)) ? 0 : Math.fround((value / 255 - mean[i % channels]) / std[i % channels]),
  );
}

describe('Renderer', () => {
  it('equals steps taken one by one on copies, at any offset, for image after image', () => {
    fc.assert(
      fc.property(shapes, augments, fc.nat(), (shape, augment, seed) => {
        const random = new Random(seed);
        const size = shape.height * shape.width * shape.channels;
        const pixels = Uint8Array.from({ length: 2 * size }, () => random.int(256));
        const mean = Array.from({ length: shape.channels }, () => random.uniform());
        const std = Array.from({ length: shape.channels }, () => 0.1 + random.uniform());
        const renderer = new Renderer(shape, { mean, std }, augment);
        for (const image of [1, 0]) {
          const target = new Float32Array(3 * size);
          renderer.render(pixels, image * size, target, 2 * size, new Random(seed, image));
          const expected = slowRender(
            pixels.subarray(image * size, (image + 1) * size),
            shape,
            augment,
            mean,
            std,
            new Random(seed, image),
          );
          expect([...target.subarray(2 * size)]).toEqual(expected);
          expect(target.subarray(0, 2 * size).every((value) => value === 0)).toBe(true);
        }
      }),
    );
  });
});
