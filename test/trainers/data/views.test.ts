import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { Random } from '../../../base/random.js';
import type { ImageShape } from '../../../trainers/data/augment/image.js';
import { augmentSchema, type Augmentation } from '../../../trainers/data/augment/schema.js';
import { createSteps } from '../../../trainers/data/augment/steps.js';
import { Renderer, renderingSeconds } from '../../../trainers/data/views.js';

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

test('rendering takes longer where steps compute pixels', () => {
  const shape = { height: 32, width: 32, channels: 3 };
  const [light, strong] = [['flip'], ['flip', 'resized-crop', 'rotation', 'colour-jitter']].map((steps) =>
    renderingSeconds(shape, augmentSchema.parse(steps)),
  );
  expect(light).toBeGreaterThan(0);
  expect(strong).toBeGreaterThan(2 * light);
});

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

  it('shows the same part of an image in each size that it was rendered in', () => {
    const augment = augmentSchema.parse(['flip', { type: 'crop', pixels: 3 }, { type: 'cutout', size: 5 }, 'rotation']);
    const drawnIn = { height: 16, width: 16 };
    /** The share of its height and of its width at which a view shows each of 16 x 16 places; null where it is covered. */
    const seen = (height: number, width: number, seed: number) => {
      const pixels = Uint8Array.from({ length: height * width * 3 }, (_, i) => {
        const at = Math.floor(i / 3);
        const shares = [(Math.floor(at / width) + 0.5) / height, ((at % width) + 0.5) / width, 1];
        return Math.round(255 * shares[i % 3]);
      });
      // Only a covered pixel has the mean of the third channel, which is 1 everywhere.
      const scale = { mean: [0, 0, 0], std: [1, 1, 1] };
      const renderer = new Renderer({ height, width, channels: 3, drawnIn }, scale, augment);
      const view = new Float32Array(pixels.length);
      renderer.render(pixels, 0, view, 0, new Random(seed));
      return Array.from({ length: 256 }, (_, i) => {
        const row = Math.floor(((Math.floor(i / 16) + 0.5) / 16) * height);
        const at = 3 * (row * width + Math.floor((((i % 16) + 0.5) / 16) * width));
        return view[at + 2] === 0 ? null : [view[at], view[at + 1]];
      });
    };
    let differing = 0;
    for (let seed = 0; seed < 20; seed++) {
      const own = seen(16, 16, seed);
      for (const other of [seen(24, 40, seed), seen(12, 11, seed)])
        for (const [i, place] of own.entries()) {
          const theirs = other[i];
          // Edges of rectangles and the border's reflection are rounded to pixels.
          const apart =
            place === null || theirs === null
              ? Number(place !== theirs)
              : Math.max(...place.map((share, k) => Math.abs(share - theirs[k])));
          if (apart > 2 / 11) differing++;
        }
    }
    expect(differing / (20 * 2 * 256)).toBeLessThan(0.03);
  });
});
