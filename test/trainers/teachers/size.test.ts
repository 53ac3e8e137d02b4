import { describe, expect, test } from 'vitest';
import { sizeWithin } from '../../../trainers/teachers/size.js';

describe('the size of a teacher within some time', () => {
  /** 350 steps of an epoch of width 1 take 200 seconds; work grows with the square of the width. */
  const secondsOf = (width: number) => ({ step: (190 / 350) * width ** 2, validation: 10 * width ** 2 });
  const within = (minutes: number, own: { steps?: number; width?: number } = {}) =>
    sizeWithin(60 * minutes, secondsOf, { steps: 350, ...own });

  test('grows in width and epochs together', () => {
    expect(within(28)).toEqual({ width: 1, epochs: 8 });
    expect(within(5 * 28)).toEqual({ width: 1.5, epochs: 18 });
    expect(within(10)).toEqual({ width: 0.5, epochs: 12 });
  });

  test('is narrower where images are few and epochs many, and leaves time that brings little', () => {
    expect(within(10, { steps: 35 })).toEqual({ width: 0.75, epochs: 36 });
    expect(within(10_000)).toEqual({ width: 2, epochs: 48 });
  });

  test('keeps a width that is given, and is none where no epoch fits', () => {
    expect(within(28, { width: 0.5 })).toEqual({ width: 0.5, epochs: 12 });
    expect(within(7, { width: 1 })).toEqual({ width: 1, epochs: 2 });
    expect(within(0.2)).toBeNull();
  });

  test.each([3, 35, 350, 3500])('ends in time with %i steps an epoch', (steps) => {
    for (let minutes = 0.1; minutes < 500; minutes *= 1.3) {
      const size = within(minutes, { steps });
      if (size === null) continue;
      const { step, validation } = secondsOf(size.width);
      expect(size.epochs * (steps * step + validation)).toBeLessThanOrEqual(60 * minutes + 1e-9);
    }
  });
});
