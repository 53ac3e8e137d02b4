import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliser } from '../../../serve/inference/normaliser.js';
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
