import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutToLatency } from '../../../runner/shrink/cut.js';
import { presetNetworks, type Cut } from '../../../spaces/index.js';

const network = presetNetworks.mobilenet({ input: [8, 8, 1], classes: 2 }, 0.25);

/** Ever smaller networks by what they cost; which networks they are is of no interest here. */
const cutsOf = (...costs: readonly number[]): Cut[] => costs.map((cost) => ({ network, widths: new Map(), cost }));

describe('cutToLatency', () => {
  it('finds a cut that meets the budget and is not much below it, in few measurements', async () => {
    const steps = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 5, maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(steps, fc.double({ min: 0.05, max: 0.95, noNaN: true }), async (falls, share) => {
        const whole = falls.reduce((a, b) => a + b, 50);
        let left = whole;
        const cuts = cutsOf(...falls.map((fall) => (left -= fall)));
        // Like a device: an overhead, and not in proportion.
        const latency = (cost: number): number => 0.2 + 0.001 * cost ** 0.8;
        const budget = latency(50) + share * (latency(whole) - latency(50));
        const measured: number[] = [];
        const found = await cutToLatency(cuts, { cost: whole, ms: latency(whole) }, budget, ({ cost }) => {
          measured.push(cost);
          return Promise.resolve(latency(cost));
        });
        if (!('cut' in found)) throw new Error('the last cut meets the budget');
        expect(found.ms).toBeLessThanOrEqual(budget);
        expect(found.ms).toBe(latency(found.cut.cost));
        expect(measured.length).toBeLessThanOrEqual(10);
        expect(new Set(measured).size).toBe(measured.length);
        // The one before it is over the budget, unless this one is near.
        const before = cuts[cuts.indexOf(found.cut) - 1]?.cost ?? whole;
        if (measured.length < 10) expect(found.ms >= 0.95 * budget || latency(before) > budget).toBe(true);
      }),
    );
  });

  it('says what the smallest comes to when none is within the budget', async () => {
    const found = await cutToLatency(cutsOf(90, 80, 70), { cost: 100, ms: 1 }, 0.5, ({ cost }) =>
      Promise.resolve(cost / 100),
    );
    expect(found).toEqual({ smallest: 0.7 });
  });

  it('tries the smallest when latency hardly follows the costs', async () => {
    const cuts = cutsOf(...Array.from({ length: 1000 }, (_, i) => 1000 - i));
    const found = await cutToLatency(cuts, { cost: 1001, ms: 1 }, 0.5, ({ cost }) =>
      Promise.resolve(cost > 3 ? 0.99 : 0.4),
    );
    expect(found).toMatchObject({ ms: 0.4 });
  });
});
