import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random, hash32 } from '../../base/random.js';

describe('Random', () => {
  it('repeats for the same seed and keys, and differs for any other', () => {
    const draw = (...args: ConstructorParameters<typeof Random>) => {
      const random = new Random(...args);
      return Array.from({ length: 8 }, () => random.bits());
    };
    expect(draw(1, 'trial', 2)).toEqual(draw(1, 'trial', 2));
    const others = [
      draw(2, 'trial', 2),
      draw(1, 'trial', 3),
      draw(1, 'other', 2),
      draw(2 ** 40 + 1, 'trial', 2),
      draw(1),
    ];
    for (const other of others) expect(other).not.toEqual(draw(1, 'trial', 2));
  });

  it('draws the bits from which stored runs were made', () => {
    const random = new Random(42, 'search', 7);
    expect([random.bits(), random.bits(), random.bits()]).toEqual([3605645122, 2655461738, 3057098540]);
  });

  it('is uniform enough for a search', () => {
    const random = new Random(3);
    const bins = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) bins[random.int(10)]++;
    const chiSquare = bins.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0);
    expect(chiSquare).toBeLessThan(27.9); // 99.9 % quantile with 9 degrees of freedom
  });

  it('draws standard normals', () => {
    const random = new Random(5);
    const values = Array.from({ length: 50_000 }, () => random.normal());
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.03);
  });

  it('shuffles into a permutation', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 }), fc.array(fc.integer()), (seed, items) => {
        const shuffled = new Random(seed).shuffle([...items]);
        expect([...shuffled].sort()).toEqual([...items].sort());
      }),
    );
  });
});

describe('hash32', () => {
  it('depends on every counter and on their order', () => {
    expect(hash32(1, 2, 3)).not.toBe(hash32(1, 3, 2));
    expect(hash32(1, 2, 3)).not.toBe(hash32(1, 2));
    expect(hash32(1, 2, 3)).toBe(hash32(1, 2, 3));
  });
});
