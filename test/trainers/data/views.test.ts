import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import {
  drawTransform,
  type ImageShape,
  reflect,
  Renderer,
  type Transform,
  viewOf,
  viewOfPass,
} from '../../../trainers/data/views.js';
import type { AugmentConfig } from '../../../trainers/index.js';

const none: AugmentConfig = { crop: 0, flip: false, cutout: 0, mixup: 0, views: 4 };
const shape: ImageShape = { height: 9, width: 7, channels: 3 };
const shapes = fc.record({
  height: fc.integer({ min: 1, max: 9 }),
  width: fc.integer({ min: 1, max: 9 }),
  channels: fc.constantFrom(1, 3),
});
const augments = fc.record({
  crop: fc.integer({ min: 0, max: 12 }),
  flip: fc.boolean(),
  cutout: fc.integer({ min: 0, max: 6 }),
  mixup: fc.constantFrom(0, 0.2, 1),
  views: fc.constant(4),
});

describe('reflect', () => {
  it('mirrors at the border pixels', () => {
    expect([-3, -2, -1, 0, 1, 2, 3, 4, 5, 6].map((x) => reflect(x, 4))).toEqual([3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
    expect([-2, 0, 5].map((x) => reflect(x, 1))).toEqual([0, 0, 0]);
  });
});

/** Reference: pads by reflection, crops, flips, normalises and cuts out, one pixel at a time. */
function slowRender(pixels: Uint8Array, s: ImageShape, t: Transform, mean: number[], std: number[]): number[] {
  const result: number[] = [];
  for (let y = 0; y < s.height; y++) {
    for (let x = 0; x < s.width; x++) {
      const column = reflect((t.flip ? s.width - 1 - x : x) + t.dx, s.width);
      const row = reflect(y + t.dy, s.height);
      const cut = y >= t.top && y < t.bottom && x >= t.left && x < t.right;
      for (let c = 0; c < s.channels; c++) {
        const value = pixels[(row * s.width + column) * s.channels + c] / 255;
        result.push(cut ? 0 : Math.fround((value - mean[c]) / std[c]));
      }
    }
  }
  return result;
}

describe('Renderer', () => {
  it('equals a pixel-by-pixel rendering, at any offset', () => {
    fc.assert(
      fc.property(shapes, augments, fc.nat(), (s, augment, seed) => {
        const random = new Random(seed);
        const size = s.height * s.width * s.channels;
        const pixels = Uint8Array.from({ length: 2 * size }, () => random.int(256));
        const mean = Array.from({ length: s.channels }, () => random.uniform());
        const std = Array.from({ length: s.channels }, () => 0.1 + random.uniform());
        const transform = drawTransform(augment, s, random);
        const target = new Float32Array(3 * size);
        new Renderer(s, mean, std).render(pixels, size, target, 2 * size, transform);
        expect([...target.subarray(2 * size)]).toEqual(slowRender(pixels.subarray(size), s, transform, mean, std));
        expect(target.subarray(0, 2 * size).every((value) => value === 0)).toBe(true);
      }),
    );
  });

  it('gives 0, not infinity, for a channel without contrast', () => {
    const target = new Float32Array(1);
    const transform = drawTransform(none, { height: 1, width: 1, channels: 1 }, new Random(0));
    new Renderer({ height: 1, width: 1, channels: 1 }, [7 / 255], [0]).render(
      Uint8Array.of(7),
      0,
      target,
      0,
      transform,
    );
    expect(target[0]).toBe(0);
  });
});

describe('viewOf', () => {
  it('is a pure function of seed, view and position', () => {
    fc.assert(
      fc.property(augments, fc.maxSafeNat(), fc.nat(63), fc.nat(999), (augment, seed, view, position) => {
        const once = viewOf(augment, shape, seed, view, position, 1000);
        expect(viewOf(augment, shape, seed, view, position, 1000)).toEqual(once);
      }),
    );
  });

  it('stays within the bounds of the config', () => {
    fc.assert(
      fc.property(augments, fc.nat(), (augment, seed) => {
        const { transform, mix } = viewOf(augment, shape, seed, 0, 0, 10);
        for (const t of mix === null ? [transform] : [transform, mix.transform]) {
          expect(Math.abs(t.dx)).toBeLessThanOrEqual(augment.crop);
          expect(Math.abs(t.dy)).toBeLessThanOrEqual(augment.crop);
          if (!augment.flip) expect(t.flip).toBe(false);
          expect(t.bottom - t.top).toBeLessThanOrEqual(augment.cutout);
          expect(t.right).toBeLessThanOrEqual(shape.width);
          expect(t.left).toBeGreaterThanOrEqual(0);
        }
        expect(mix === null).toBe(augment.mixup === 0);
        if (mix !== null) {
          expect(mix.partner).toBeLessThan(10);
          expect(mix.weight).toBeGreaterThanOrEqual(0);
          expect(mix.weight).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('shows other crops and flips in each view, of each image, for each seed', () => {
    const augment = { ...none, crop: 4, flip: true };
    const at = (seed: number, view: number, position: number) =>
      JSON.stringify(viewOf(augment, shape, seed, view, position, 1000));
    const distinct = (texts: string[]) => new Set(texts).size;
    expect(distinct(Array.from({ length: 64 }, (_, i) => at(i, 0, 0)))).toBeGreaterThan(30);
    expect(distinct(Array.from({ length: 64 }, (_, i) => at(0, i, 0)))).toBeGreaterThan(30);
    expect(distinct(Array.from({ length: 64 }, (_, i) => at(0, 0, i)))).toBeGreaterThan(30);
    expect(at(2 ** 32, 0, 0)).not.toBe(at(0, 0, 0));
  });

  it('flips half of the images and shifts evenly', () => {
    const augment = { ...none, crop: 1, flip: true };
    const drawn = Array.from({ length: 3000 }, (_, i) => viewOf(augment, shape, 1, 0, i, 3000).transform);
    expect(drawn.filter(({ flip }) => flip).length / 3000).toBeCloseTo(0.5, 1);
    for (const shift of [-1, 0, 1]) expect(drawn.filter(({ dx }) => dx === shift).length / 3000).toBeCloseTo(1 / 3, 1);
  });

  it.each([0.1, 0.4, 1, 3])('mixes with weights from Beta(%d, same)', (a) => {
    const n = 6000;
    const weights = Array.from(
      { length: n },
      (_, i) => viewOf({ ...none, mixup: a }, shape, 1, 0, i, n).mix?.weight ?? NaN,
    );
    const mean = weights.reduce((sum, w) => sum + w, 0) / n;
    const variance = weights.reduce((sum, w) => sum + (w - mean) ** 2, 0) / n;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1 / (4 * (2 * a + 1)))).toBeLessThan(0.006);
  });

  it('takes the views in turn, and only one without augmentation', () => {
    expect([0, 1, 3, 4, 9].map((epoch) => viewOfPass(epoch, none))).toEqual([0, 1, 3, 0, 1]);
    expect(viewOfPass(7, null)).toBe(0);
  });
});
