import { describe, expect, it } from 'vitest';
import { compressSchema } from '../../../experiments/schema/compress.js';
import { winOf, type Comparison } from '../../../runner/compress/gates.js';

const limits = compressSchema.parse({});

/** Latencies of which the intervals are 2 % wide. */
const timed = (ms: number) => ({ ms, interval: [0.99 * ms, 1.01 * ms] as const });
const comparison = (fp32: number, int8: number, accuracy = { fp32: 0.9, int8: 0.899 }): Comparison => ({
  latency: { fp32: timed(fp32), int8: timed(int8) },
  accuracy,
  executed: 'int8',
});

describe('whether int8 pays', () => {
  it('does when it is faster and as accurate', () => {
    expect(winOf(comparison(2.1, 1), limits)).toEqual({
      pays: true,
      reasons: [],
      verdict: 'int8 pays: 2.10 × as fast, accuracy −0.1 points',
    });
  });

  it('does not when it is slower, and says by how much', () => {
    expect(winOf(comparison(0.71, 1), limits)).toEqual({
      pays: false,
      reasons: ['int8 is 0.71 × as fast (min_speedup 1.05)'],
      verdict: 'int8 does not pay here: it is 0.71 × as fast (min_speedup 1.05); keep the float model',
    });
  });

  it('does not when it loses too much, and gives every reason', () => {
    const { pays, verdict } = winOf(comparison(1, 1, { fp32: 0.9, int8: 0.89 }), limits);
    expect(pays).toBe(false);
    expect(verdict).toBe(
      'int8 does not pay here: it is 1.00 × as fast (min_speedup 1.05); it loses 1.00 points (max_accuracy_drop 0.005); keep the float model',
    );
    expect(winOf(comparison(1, 1, { fp32: 0.9, int8: 0.89 }), { max_accuracy_drop: 0.01, min_speedup: 0.9 }).pays).toBe(
      true,
    );
  });

  it('does not where the device computes the int8 file in floats, however fast', () => {
    const { pays, reasons } = winOf({ ...comparison(2, 1), executed: 'fp32' }, limits);
    expect({ pays, reasons }).toEqual({ pays: false, reasons: ['int8 is computed in fp32 on this device'] });
    expect(winOf({ ...comparison(2, 1), executed: undefined }, limits).pays).toBe(true);
  });

  it('is not claimed where the measurement cannot tell', () => {
    const wide = { ms: 1, interval: [0.8, 1.2] } as const;
    const { pays, reasons } = winOf({ ...comparison(1.1, 1), latency: { fp32: timed(1.1), int8: wide } }, limits);
    expect({ pays, reasons }).toEqual({
      pays: false,
      reasons: ['int8 may be as slow as fp32: their 95 % intervals overlap'],
    });
  });
});
