import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceTime } from '../../../serve/scheduler/service-time.js';

const measured = new Map([
  [1, 2],
  [2, 3],
  [4, 5],
]);

const create = (): { time: ServiceTime; pass: (ms: number) => void } => {
  let now = 0;
  return { time: new ServiceTime(measured, () => now), pass: (ms) => (now += ms) };
};
const observe = (time: ServiceTime, times: number, factor: number): void => {
  const { time: calm } = create();
  for (let i = 0; i < times; i++) time.observe(1 + (i % 4), factor * calm.ms(1 + (i % 4)));
};

describe('ServiceTime', () => {
  it('returns measured times, linear between sizes, proportional beyond', () => {
    const { time } = create();
    expect([1, 2, 3, 4, 8].map(time.ms)).toEqual([2, 3, 4, 5, 10]);
  });

  it('converges to the observed times of any batch size', () => {
    const { time } = create();
    observe(time, 200, 1.5);
    for (const [batch, ms] of measured) expect(time.ms(batch)).toBeCloseTo(1.5 * ms, 3);
  });

  it('changes little by one outlier', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.double({ min: 0, max: 1e9, noNaN: true }), (batch, ms) => {
        const { time } = create();
        time.observe(batch, ms);
        expect(Math.abs(time.ms(1) / 2 - 1)).toBeLessThan(0.08);
      }),
    );
  });

  it('follows the usual time, not rare outliers', () => {
    const { time } = create();
    for (let i = 0; i < 400; i++) observe(time, 1, i % 20 === 0 ? 4 : 1);
    expect(time.ms(1)).toBeLessThan(2.2);
  });

  it('keeps its correction for a second, then halves it every two', () => {
    const { time, pass } = create();
    observe(time, 200, 4);
    pass(1000);
    expect(time.ms(1)).toBeCloseTo(8, 3);
    pass(2000);
    expect(time.ms(1)).toBeCloseTo(4, 3);
    pass(60_000);
    expect(time.ms(1)).toBeCloseTo(2, 3);
    observe(time, 200, 0.5);
    expect(time.ms(1)).toBeCloseTo(1, 3);
  });
});
