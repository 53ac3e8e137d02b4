import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../deploy/quantize/calibrate.js';

function histogramOf(...parts: readonly (readonly number[])[]): Histogram {
  const histogram = new Histogram();
  for (const part of parts) expect(histogram.add(Float32Array.from(part))).toBe(true);
  return histogram;
}

describe('a histogram', () => {
  it('tracks the smallest and the largest value', () => {
    expect(histogramOf([1, -2, 3], [0.5, 4]).range()).toEqual([-2, 4]);
    expect(histogramOf([2, 3]).range()).toEqual([2, 3]);
    expect(new Histogram().range()).toEqual([0, 0]);
    expect(histogramOf([]).range()).toEqual([0, 0]);
  });

  it('cuts equal shares of the values at both ends', () => {
    // 1000 values: -500 … 499, each once. 99 % leave five outside on each side; bins are 1/4 wide.
    const values = Array.from({ length: 1000 }, (_, i) => i - 500);
    expect(histogramOf(values).percentile(99)).toEqual([-495, 494.25]);
    expect(histogramOf(values).percentile(100)).toEqual([-500, 499]);
  });

  it('keeps ranges that start or end at zero, and ranges far from zero', () => {
    const half = Array.from({ length: 1000 }, (_, i) => Math.max(0, i - 500));
    const [low, high] = histogramOf(half).percentile(99);
    expect(low).toBe(0);
    expect(high).toBeGreaterThan(490);
    expect(high).toBeLessThan(496);
    expect(histogramOf(half.map((v) => -v)).percentile(99)[1]).toBe(0);
    expect(histogramOf([5, 6, 7]).percentile(99.9)).toEqual([5, 7]);
  });

  it('can hold only zeros', () => {
    expect(histogramOf([0, 0], [0]).percentile(99)).toEqual([0, 0]);
    // Zeros from before the first width are counted, so the single one is cut.
    const [low, high] = histogramOf(new Array<number>(999).fill(0), [1]).percentile(99.8);
    expect(low).toBe(0);
    expect(high).toBeLessThan(1 / 1000);
  });

  it('reports values that are not finite, and skips that part', () => {
    for (const wrong of [NaN, Infinity, -Infinity]) {
      const histogram = histogramOf([1, 2]);
      expect(histogram.add(Float32Array.of(100, wrong, 3))).toBe(false);
      expect(histogram.range()).toEqual([1, 2]);
      expect(histogram.percentile(60)[1]).toBeLessThanOrEqual(2);
    }
    // Infinities of both signs sum to NaN; large floats have a finite sum.
    expect(new Histogram().add(Float32Array.of(Infinity, -Infinity))).toBe(false);
    expect(new Histogram().add(Float32Array.of(3e38, 3e38, 3e38))).toBe(true);
  });

  it('does not depend on the order of the values or their parts', () => {
    const value = fc.oneof(
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.float({ min: -4, max: 4, noNaN: true }),
      fc.constant(0),
    );
    const parts = fc.array(fc.array(value, { maxLength: 20 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(parts, fc.double({ min: 51, max: 100, noNaN: true }), (drawn, percent) => {
        const inParts = histogramOf(...drawn);
        const atOnce = histogramOf(drawn.flat().toReversed());
        expect(inParts.range()).toEqual(atOnce.range());
        expect(inParts.percentile(percent)).toEqual(atOnce.percentile(percent));
      }),
    );
  });

  it('cuts at most the given share, and no bin less than possible', () => {
    const values = fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(values, fc.double({ min: 51, max: 100, noNaN: true }), (drawn, percent) => {
        const histogram = histogramOf(drawn);
        const [low, high] = histogram.percentile(percent);
        const [least, most] = histogram.range();
        expect(low).toBeGreaterThanOrEqual(least);
        expect(high).toBeLessThanOrEqual(most);
        const outside = (drawn.length * (100 - percent)) / 200;
        const floats = Float32Array.from(drawn);
        expect(floats.filter((v) => v < low).length).toBeLessThanOrEqual(outside);
        expect(floats.filter((v) => v > high).length).toBeLessThanOrEqual(outside);
      }),
    );
  });
});
