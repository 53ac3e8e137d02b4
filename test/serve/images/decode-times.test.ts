import { expect, it } from 'vitest';
import { DecodeTimes } from '../../../serve/images/decode-times.js';
import type { ImageHeader } from '../../../serve/images/header.js';

const of = (width: number, kind: ImageHeader['kind'] = 'png'): ImageHeader => ({
  kind,
  width,
  height: width,
  work: width * width,
  bytes: 0,
});

it('DecodeTimes learns by kind and size, little from an outlier, and forgets', () => {
  let now = 0;
  const times = new DecodeTimes(() => now);
  const [small, large] = [times.expectedMs(of(28), 'a'), times.expectedMs(of(7000), 'a')];
  expect([small < 2, large > 100]).toEqual([true, true]);
  times.observe(of(28), 'a', 1000);
  expect(times.expectedMs(of(28), 'a')).toBeLessThan(2 * small);
  for (let i = 0; i < 60; i++) times.observe(of(7000), 'a', 2000);
  expect(times.expectedMs(of(7000), 'a')).toBeCloseTo(2000, -2);
  // Other kinds and sizes stay as they were.
  expect(times.expectedMs(of(7000, 'jpeg'), 'a')).toBeLessThan(100);
  expect(times.expectedMs(of(500), 'a')).toBeLessThan(5);
  now = 5000;
  expect(times.expectedMs(of(7000), 'a')).toBe(large);
});

it('DecodeTimes of one client do not depend on the images of another', () => {
  const times = new DecodeTimes(() => 0);
  const before = times.expectedMs(of(500), 'victim');
  for (let i = 0; i < 10_000; i++) times.observe(of(500), `attacker ${i % 100}`, 9000);
  expect(times.expectedMs(of(500), 'attacker 7')).toBeGreaterThan(1000);
  expect(times.expectedMs(of(500), 'victim')).toBe(before);
});
