import { describe, expect, test } from 'vitest';
import { outlookOf } from '../../../trainers/pretrained/outlook.js';

/** Scores on a line against the logarithm of the epoch, each off by `noise`, in turn up and down. */
const rising = (epochs: number, slope: number, noise = 0): number[] =>
  Array.from({ length: epochs }, (_, i) => 0.5 + slope * Math.log2(i + 1) + (i % 2 === 0 ? noise : -noise));

describe('the outlook of a fine-tuning', () => {
  test('is the slope of its second half for twice the epochs, with its doubt', () => {
    const exact = outlookOf(rising(16, 0.03), 100, false);
    expect(exact).toMatchObject({ epochs: 32, seconds: 100 });
    expect(exact.gain?.[0]).toBeCloseTo(0.03, 10);
    expect(exact.gain?.[1]).toBeCloseTo(0.03, 10);
    const [low, high] = outlookOf(rising(16, 0.03, 0.004), 100, false).gain ?? expect.fail('no gain');
    expect(low).toBeLessThan(0.029);
    expect(high).toBeGreaterThan(0.031);
  });

  test('ignores how fast the first half rose', () => {
    const flat = [0.1, 0.2, 0.4, 0.6, 0.7, 0.7, 0.7, 0.7];
    expect(outlookOf(flat, 100, false).gain).toEqual([0, 0]);
  });

  test('is nothing where scores fall, and where the training ended since no epoch was better', () => {
    expect(outlookOf(rising(16, -0.03), 100, false).gain).toEqual([0, 0]);
    expect(outlookOf(rising(16, 0.03), 100, true).gain).toEqual([0, 0]);
  });

  test('of few epochs says nothing', () => {
    expect(outlookOf(rising(6, 0.03), 100, false).gain).toBeNull();
    expect(outlookOf(rising(7, 0.03), 100, false).gain).not.toBeNull();
  });
});
