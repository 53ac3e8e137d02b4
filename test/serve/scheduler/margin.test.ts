import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Margin } from '../../../serve/scheduler/scheduler.js';

const observe = (margin: Margin, answers: number, lateEvery: number): void => {
  for (let i = 1; i <= answers; i++) margin.observe(i % lateEvery === 0);
};

describe('Margin', () => {
  it('rises if more than 1 % of answers are late, otherwise falls', () => {
    const often = new Margin();
    observe(often, 2000, 50);
    expect(often.value).toBeGreaterThan(1.5);
    observe(often, 5000, 200);
    expect(often.value).toBeLessThan(1.3);
  });

  it('stays between 1.1 and 3', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 1e6 })), { maxLength: 200 }), (history) => {
        const margin = new Margin();
        let now = 0;
        for (const [late, ms] of history) {
          margin.passTo((now += ms));
          margin.observe(late);
          expect(margin.value).toBeGreaterThanOrEqual(1.1);
          expect(margin.value).toBeLessThanOrEqual(3);
        }
      }),
    );
  });

  it('decays by half in half a minute', () => {
    const margin = new Margin();
    observe(margin, 1000, 1);
    margin.passTo(5);
    expect(margin.value).toBe(3);
    margin.passTo(30_005);
    expect(margin.value).toBeCloseTo(1.1 + 1.9 / 2, 6);
    margin.passTo(600_000);
    expect(margin.value).toBeCloseTo(1.1, 3);
  });
});
