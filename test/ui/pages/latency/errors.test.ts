import { describe, expect, it } from 'vitest';
import { errorOf, rollingErrors, withinTwo } from '../../../../ui/pages/latency/errors.js';

describe('errors of predictions', () => {
  it('are shares of the measured latency, positive when the prediction was too high', () => {
    expect(errorOf({ predicted: 1.2, measured: 1 })).toBeCloseTo(0.2, 12);
    expect(errorOf({ predicted: 3, measured: 4 })).toBe(-0.25);
  });

  it('are averaged by absolute value over the last ten', () => {
    const pairs = Array.from({ length: 12 }, (_, i) => ({
      predicted: i < 2 ? 2 : i % 2 === 0 ? 1.1 : 0.9,
      measured: 1,
    }));
    const rolling = rollingErrors(pairs);
    expect(rolling[0]).toBe(1);
    expect(rolling[2]).toBeCloseTo(2.1 / 3, 12);
    expect(rolling[11]).toBeCloseTo(0.1, 12);
    expect(rollingErrors([])).toEqual([]);
  });

  it('are averaged over reliable measurements where there are three', () => {
    const pairs = [2, 1.1, 1.1, 3, 1.1].map((predicted) => ({
      predicted,
      measured: 1,
      ...(predicted >= 2 && { unreliable: 'other programs kept 1.1 of 2 processors busy' }),
      std: 0.06,
    }));
    expect(rollingErrors(pairs).map((error) => error?.toFixed(3) ?? null)).toEqual([
      null,
      '0.100',
      '0.100',
      '0.100',
      '0.100',
    ]);
    expect(withinTwo(pairs)).toBe('3 of 3');
    expect(rollingErrors(pairs.slice(0, 4))[0]).toBe(1);
  });

  it('are compared with the predicted deviation', () => {
    expect(withinTwo([])).toBeNull();
    expect(
      withinTwo([
        { predicted: 1, measured: 1.19, std: 0.1 },
        { predicted: 1, measured: 1.21, std: 0.1 },
      ]),
    ).toBe('1 of 2');
  });
});
