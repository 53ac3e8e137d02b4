import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { normaliser, resampler } from '../../../serve/inference/preprocess.js';
import type { ImageSize } from '../../../serve/models/model.js';
import { pixelsOf } from '../models.js';
import { valuesOf } from '../reference.js';

const sides = fc.integer({ min: 1, max: 9 });
const size = (channels: fc.Arbitrary<number>): fc.Arbitrary<ImageSize> => fc.tuple(sides, sides, channels);

describe('normaliser', () => {
  it('follows the formula in both layouts, from a given offset', () => {
    const images = fc.record({
      size: size(fc.integer({ min: 1, max: 4 })),
      layout: fc.constantFrom('NHWC' as const, 'NCHW' as const),
      at: fc.nat(5),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(images, ({ size, layout, at, seed }) => {
        const channels = Array.from({ length: size[2] }, (_, c) => c);
        const normalisation = { mean: channels.map((c) => 0.1 * c), std: channels.map((c) => 0.25 + 0.1 * c) };
        const pixels = pixelsOf(size, seed);
        const values = new Float32Array(at + pixels.length);
        normaliser(size, layout, normalisation)(pixels, values, at);
        expect(values.subarray(0, at)).toEqual(new Float32Array(at));
        expect(values.subarray(at)).toEqual(valuesOf({ size, layout, normalisation }, pixels));
      }),
    );
  });
});

describe('resampler', () => {
  it.each<[ImageSize, ImageSize]>([
    [
      [32, 32, 3],
      [28, 28, 3],
    ],
    [
      [96, 64, 3],
      [50, 60, 3],
    ],
    [
      [28, 28, 1],
      [17, 14, 1],
    ],
  ])("shrinks %s to %s like sharp's linear kernel", async (from, to) => {
    const pixels = pixelsOf(from, 5);
    const [height, width, channels] = from;
    const raw = { height, width, channels: channels as 1 | 3 };
    const expected = await sharp(pixels, { raw })
      .resize({ height: to[0], width: to[1], fit: 'fill', kernel: 'linear' })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer();
    const shrunk = resampler(from, to)(pixels);
    expect(shrunk).toHaveLength(expected.length);
    // Tolerance of 255 levels; sharp's weights have few bits.
    shrunk.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(2));
  });

  it('keeps images of one colour and images of the right size', () => {
    fc.assert(
      fc.property(size(fc.constant(2)), size(fc.constant(2)), fc.nat(255), fc.nat(), (from, to, byte, seed) => {
        const plain = resampler(from, to)(new Uint8Array(from[0] * from[1] * 2).fill(byte));
        expect(plain).toEqual(new Uint8Array(to[0] * to[1] * 2).fill(byte));
        const pixels = pixelsOf(from, seed);
        expect(resampler(from, from)(pixels)).toEqual(pixels);
      }),
    );
  });
});
