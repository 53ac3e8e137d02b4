import { expect, test } from 'vitest';
import { lagWarning, validOf, type Measurement } from '../../../bench/serve/rounds.js';

test('measurements with a late generator count only if there are no others', () => {
  const measurement = (lag: number | null): Measurement => ({
    rate: 1,
    cpuMs: 1,
    report: {
      seconds: 1,
      counts: { good: 1, late: 0, refused: 0, expired: 0, failed: 0, broken: 0, unreached: 0, unanswered: 0 },
      networks: {},
      ms: null,
      lagMs: lag === null ? null : { p50: lag, p95: lag, p99: lag, max: lag },
    },
  });
  const [closed, calm, busy] = [measurement(null), measurement(2), measurement(70)];
  expect(validOf([closed, busy, calm])).toEqual([closed, calm]);
  expect(lagWarning([closed, calm])).toBe('');
  expect(lagWarning([busy, calm])).toContain('in 1 of 2 measurements');
  expect(validOf([busy])).toEqual([busy]);
});
