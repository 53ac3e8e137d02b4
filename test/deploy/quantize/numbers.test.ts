import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activationParameters, quantizeBias, quantizeWeights, roundEven } from '../../../deploy/quantize/numbers.js';

describe('rounding', () => {
  it('rounds halves to the even number on both sides of zero', () => {
    const values = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49, 0.51, -0.49, -0.51, 7, -7, 126.5, 127.5];
    expect(values.map(roundEven).map((v) => v + 0)).toEqual([0, 2, 2, 0, -2, -2, 0, 1, 0, -1, 7, -7, 126, 128]);
  });
});

describe('bytes of activations', () => {
  it('spread 255 steps over the range, zero among them', () => {
    expect(activationParameters([-1, 4.1])).toEqual({ scale: Math.fround(5.1 / 255), zero: 50 });
    expect(activationParameters([-255, 0])).toEqual({ scale: 1, zero: 255 });
  });

  it('start at zero after ReLU', () => {
    expect(activationParameters([0, 6])).toEqual({ scale: Math.fround(6 / 255), zero: 0 });
  });

  it('contain zero where the range does not', () => {
    expect(activationParameters([2, 5.1])).toEqual({ scale: Math.fround(5.1 / 255), zero: 0 });
    expect(activationParameters([-5.1, -2])).toEqual({ scale: Math.fround(5.1 / 255), zero: 255 });
  });

  it('have the scale 1 if all values are zero, and a representable float32 scale for tiny values', () => {
    expect(activationParameters([0, 0])).toEqual({ scale: 1, zero: 0 });
    expect(activationParameters([0, 1e-40])).toEqual({ scale: 2 ** -60, zero: 0 });
  });

  it('represent every number of the range to half a step', () => {
    const number = fc.double({ min: -1e4, max: 1e4, noNaN: true });
    fc.assert(
      fc.property(number, number, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, share) => {
        const range = [Math.min(a, b), Math.max(a, b)] as const;
        const { scale, zero } = activationParameters(range);
        const value = range[0] + share * (range[1] - range[0]);
        const byte = Math.max(0, Math.min(255, roundEven(value / scale) + zero));
        // Zero is rounded too, which may add another half step at the ends of the range.
        expect(Math.abs((byte - zero) * scale - value)).toBeLessThanOrEqual(scale * 1.0001);
      }),
    );
  });
});

describe('weights', () => {
  it('have a scale for each channel along the first axis', () => {
    const { q, scale } = quantizeWeights(Float32Array.of(1.27, -0.635, 0.02, -2.54, 2.54, 0.01), [2, 3, 1, 1], 0, {
      bits: 8,
    });
    expect([...scale]).toEqual([1.27 / 127, 2.54 / 127].map(Math.fround));
    // 0.635 / 0.01 is 63.5, a little more or less in float32; 0.01 / 0.02 is a half, rounded to even.
    expect([...q].map((v) => v + 0)).toEqual([127, -64, 2, -127, 127, 0]);
  });

  it('have a scale for each channel along the last axis', () => {
    const { q, scale } = quantizeWeights(Float32Array.of(127, 1, -64, 254), [2, 2], 1, { bits: 8 });
    expect([...scale]).toEqual([1, 2]);
    // 1 / 2 is a half, rounded to even.
    expect([...q]).toEqual([127, 0, -64, 127]);
  });

  it('of 7 bits are -64 to 64', () => {
    const { q, scale } = quantizeWeights(Float32Array.of(64, -64, 32, 1), [1, 4], 0, { bits: 7 });
    expect([...scale]).toEqual([1]);
    expect([...q]).toEqual([64, -64, 32, 1]);
  });

  it('of a channel of zeros have the scale 1', () => {
    const { q, scale } = quantizeWeights(Float32Array.of(0, 0, 127, 0), [2, 2], 0, { bits: 8 });
    expect([...scale]).toEqual([1, 1]);
    expect([...q]).toEqual([0, 0, 127, 0]);
  });

  it('of a channel of zeros keep its bias to a relative 2^-30', () => {
    const bias = [0.01];
    const { q, scale } = quantizeWeights(Float32Array.of(0, 0), [1, 2], 0, { bits: 8, bias, inputScale: 0.5 });
    expect([...q]).toEqual([0, 0]);
    const quantized = quantizeBias(bias, 0.5, scale);
    expect(quantized.q[0] * quantized.scale[0]).toBeCloseTo(0.01, 8);
  });

  it('have a larger scale if the bias would not fit into 32 bits', () => {
    const bias = [1024, 1024];
    const inputScale = 2 ** -10;
    // |bias| / inputScale is 2^20: with the scale 2^-10 that is 2^30, with 1 it is 2^20.
    const { q, scale } = quantizeWeights(Float32Array.of(127 * 2 ** -12, 127), [2, 1], 0, {
      bits: 8,
      bias,
      inputScale,
    });
    expect(scale[0]).toBeGreaterThan(2 ** -10);
    expect(scale[0]).toBeLessThan(2 ** -10 * 1.00001);
    expect(scale[1]).toBe(1);
    // 127 · 2^-12 / 2^-10 = 31.75
    expect([...q]).toEqual([32, 127]);
    const quantized = quantizeBias(bias, inputScale, scale);
    expect(quantized.q[0]).toBeLessThan(2 ** 30);
    expect(quantized.q[1]).toBe(2 ** 20);
  });

  it('differ by at most half a step, and their biases fit, for any values', () => {
    const finite = (most: number) => fc.float({ min: -Math.fround(most), max: Math.fround(most), noNaN: true });
    const channels = fc.integer({ min: 1, max: 4 });
    const drawn = channels.chain((count) =>
      fc.record({
        values: fc.array(finite(100), { minLength: 3 * count, maxLength: 3 * count }),
        bias: fc.array(finite(1e6), { minLength: count, maxLength: count }),
        inputScale: fc.double({ min: 2 ** -60, max: 100, noNaN: true }).map(Math.fround),
        bits: fc.constantFrom(7 as const, 8 as const),
      }),
    );
    fc.assert(
      fc.property(drawn, ({ values, bias, inputScale, bits }) => {
        const floats = Float32Array.from(values);
        const { q, scale } = quantizeWeights(floats, [bias.length, 3], 0, { bits, bias, inputScale });
        q.forEach((v, i) => {
          const step = scale[Math.floor(i / 3)];
          expect(Math.abs(v * step - floats[i])).toBeLessThanOrEqual(step * 0.50001 + 2 ** -53);
        });
        const quantized = quantizeBias(bias, inputScale, scale);
        quantized.q.forEach((v, c) => {
          expect(Math.abs(v)).toBeLessThanOrEqual(2 ** 30);
          expect(Math.abs(v * quantized.scale[c] - bias[c])).toBeLessThanOrEqual(
            quantized.scale[c] * 0.50001 + Math.abs(bias[c]) * 1e-6,
          );
        });
      }),
    );
  });
});
