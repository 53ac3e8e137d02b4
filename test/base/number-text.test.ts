import { expect, it } from 'vitest';
import { changeText, percentilesText, points, times, clockTime } from '../../base/number-text.js';

it('differences of accuracy are given in points, to a hundredth', () => {
  expect([-0.001, 0, 0.00001, 0.01234].map(points)).toEqual(['−0.1 points', '±0 points', '±0 points', '+1.23 points']);
});

it('differences of scores have a sign, and differences of shares are in points', () => {
  expect([-0.0123, 0, 0.00000001, 2].map((change) => changeText('score', change))).toEqual([
    '−0.012',
    '±0',
    '±0',
    '+2',
  ]);
  expect(changeText('share', -0.002)).toBe('−0.2 points');
});

it('percentiles of a latency are given without those that are not known', () => {
  expect(percentilesText({ p50: 1, p95: 2, p99: 3 })).toBe('p50 1 ms, p95 2 ms, p99 3 ms');
  expect(percentilesText({ p50: 1, p95: 2, p99: null })).toBe('p50 1 ms, p95 2 ms; too few runs for p99');
});

it('factors are given to a hundredth', () => {
  expect([0.714, 1, 1.935].map(times)).toEqual(['0.71 ×', '1.00 ×', '1.94 ×']);
});

it('ticks of times are exact', () => {
  expect([0, 100, 3600, 36_125].map(clockTime)).toEqual(['0:00:00', '0:01:40', '1:00:00', '10:02:05']);
});
