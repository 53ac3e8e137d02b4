import { expect, it } from 'vitest';
import { DecodeTimes } from '../../../serve/images/decode-times.js';
import type { ImageHeader } from '../../../serve/images/header.js';

const of = (width: number, kind: ImageHeader['kind'] = 'png'): ImageHeader => ({
  kind,
  width,
  height: width,
  bytes: 0,
});

it('DecodeTimes learns by kind and size, little from an outlier, and forgets', () => {
  let now = 0;
  const times = new DecodeTimes(() => now);
  const [small, large] = [times.expectedMs(of(28)), times.expectedMs(of(7000))];
  expect([small < 2, large > 100]).toEqual([true, true]);
  times.observe(of(28), 1000);
  expect(times.expectedMs(of(28))).toBeLessThan(2 * small);
  for (let i = 0; i < 60; i++) times.observe(of(7000), 2000);
  expect(times.expectedMs(of(7000))).toBeCloseTo(2000, -2);
  // Other kinds and sizes stay as they were.
  expect(times.expectedMs(of(7000, 'jpeg'))).toBeLessThan(100);
  expect(times.expectedMs(of(500))).toBeLessThan(5);
  now = 5000;
  expect(times.expectedMs(of(7000))).toBe(large);
});
