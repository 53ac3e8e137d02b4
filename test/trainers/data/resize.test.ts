import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createResizer } from '../../../trainers/index.js';

describe('resizing images', () => {
  test('passes equal sizes through', () => {
    const images = new Float32Array(12);
    expect(createResizer([2, 2, 3], [2, 2, 3])(images)).toBe(images);
  });

  test('averages when halving: weights 1 3 3 1, renormalised at the border', () => {
    const resize = createResizer([4, 1, 1], [2, 1, 1]);
    // Centres at 0.5 and 2.5 (in pixels), support 2: weights 3 3 1 and 1 3 3 over 7.
    const result = [...resize(Float32Array.of(7, 0, 0, 14))];
    expect(result[0]).toBeCloseTo(3, 6);
    expect(result[1]).toBeCloseTo(6, 6);
  });

  test('interpolates when enlarging, with pixel centres aligned', () => {
    const result = [...createResizer([1, 2, 1], [1, 4, 1])(Float32Array.of(0, 1))];
    [0, 0.25, 0.75, 1].forEach((x, i) => expect(result[i]).toBeCloseTo(x, 6));
  });

  test('keeps constants, the range, and images and channels apart', () => {
    const side = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(side, side, side, side, (h, w, h2, w2) => {
        // Image 0 is 0 and 1 in its channels, image 1 is 2 and 3.
        const images = Float32Array.from({ length: 2 * h * w * 2 }, (_, i) => (i % 2) + (i < h * w * 2 ? 0 : 2));
        const result = createResizer([h, w, 2], [h2, w2, 2])(images);
        expect(result.length).toBe(2 * h2 * w2 * 2);
        result.forEach((x, i) => expect(x).toBeCloseTo((i % 2) + (i < h2 * w2 * 2 ? 0 : 2), 5));
      }),
      { numRuns: 40 },
    );
  });

  test('does not change the number of channels', () => {
    expect(() => createResizer([2, 2, 1], [2, 2, 3])).toThrow(/1 channels, the network takes 3/);
  });
});
