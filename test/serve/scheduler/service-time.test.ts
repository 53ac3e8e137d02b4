import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceTime } from '../../../serve/scheduler/service-time.js';

const measured = new Map([
  [1, 2],
  [2, 3],
  [4, 5],
]);

describe('ServiceTime', () => {
  it('knows what was measured, is linear between, and goes on in proportion', () => {
    const { ms } = new ServiceTime(measured);
    expect([1, 2, 3, 4, 8].map(ms)).toEqual([2, 3, 4, 5, 10]);
  });

  it('comes to what batches really take, whatever their size', () => {
    const time = new ServiceTime(measured);
    for (let i = 0; i < 200; i++) time.observe(1 + (i % 4), 1.5 * new ServiceTime(measured).ms(1 + (i % 4)));
    for (const [batch, ms] of measured) expect(time.ms(batch)).toBeCloseTo(1.5 * ms, 3);
  });

  it('is moved little by one batch, however long it took', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.double({ min: 0, max: 1e9, noNaN: true }), (batch, ms) => {
        const time = new ServiceTime(measured);
        time.observe(batch, ms);
        expect(time.ms(1)).toBeGreaterThan(1.9);
        expect(time.ms(1)).toBeLessThan(2.4);
      }),
    );
  });
});
