import { describe, expect, it } from 'vitest';
import { batchThatPays } from '../../../serve/scheduler/service-time.js';

const times = (...perImage: number[]): Map<number, number> => new Map(perImage.map((ms, i) => [2 ** i, ms * 2 ** i]));

describe('batchThatPays', () => {
  it('doubles while an image gets a twentieth cheaper', () => {
    expect(batchThatPays(times(1, 0.8, 0.6, 0.58, 0.3))).toBe(4);
    expect(batchThatPays(times(1, 0.98))).toBe(1);
    expect(batchThatPays(times(0.88, 0.96, 0.95))).toBe(1);
  });

  it('counts what the server spends on a batch, which matters for tiny networks', () => {
    expect(batchThatPays(times(0.015, 0.01, 0.007, 0.0055, 0.0055))).toBe(16);
  });

  it('accepts another gain, and stops at the largest allowed or measured size', () => {
    expect(batchThatPays(times(1, 0.95), { gain: 0.04 })).toBe(2);
    expect(batchThatPays(times(1, 0.5, 0.25, 0.1), { most: 4 })).toBe(4);
    expect(batchThatPays(times(1, 0.5))).toBe(2);
    expect(batchThatPays(new Map())).toBe(1);
  });
});
