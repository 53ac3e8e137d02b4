import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Simulation } from '../../runner/simulation.js';

describe('simulated time', () => {
  it('wakes in the order of moments, then of waiting', async () => {
    const moments = fc.array(fc.tuple(fc.nat(20), fc.nat(20)), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(moments, async (pairs) => {
        const simulation = new Simulation(1000);
        const woken: number[] = [];
        const work = pairs.map(async ([first, second]) => {
          await simulation.until(1000 + first);
          woken.push(simulation.now());
          expect(simulation.now()).toBe(1000 + first);
          const at = simulation.now() + second;
          await simulation.until(at);
          woken.push(simulation.now());
          expect(simulation.now()).toBe(at);
        });
        await Promise.all(work);
        expect(woken).toHaveLength(2 * pairs.length);
        expect(woken).toEqual(woken.toSorted((a, b) => a - b));
      }),
      { numRuns: 30 },
    );
  });

  it('never goes back', async () => {
    const simulation = new Simulation(50);
    await simulation.until(10);
    expect(simulation.now()).toBe(50);
  });
});
