import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  finalSteps,
  type Fixed,
  leastGain,
  leastPlan,
  lengthOf,
  makespan,
  type PartSeconds,
  planWithin,
  total,
} from '../../../runner/budget/plan.js';

const positive = (max: number) => fc.double({ min: 0.001, max, noNaN: true });

const parts = fc
  .record({
    start: positive(10),
    step: positive(2),
    counting: positive(3),
    latency: positive(5),
    preparation: positive(100),
    saving: positive(30),
    ending: positive(10),
  })
  .map(({ start, step, ...others }): PartSeconds => ({ ...others, training: (steps) => start + step * steps }));

const maybe = (max: number) => fc.option(fc.integer({ min: 1, max }), { nil: undefined });
const fixed = fc.record({
  parallel: fc.integer({ min: 1, max: 8 }),
  folds: fc.constantFrom(0, 5),
  trials: maybe(200),
  steps: maybe(5000),
  final: fc.oneof(maybe(20_000), fc.constant(null)),
}) satisfies fc.Arbitrary<Fixed>;

describe('the plan of a budget', () => {
  it('ends in its time, keeps what is written, and is null only where the least plan does not fit', () => {
    fc.assert(
      fc.property(positive(100_000), parts, fixed, (seconds, costs, given) => {
        const plan = planWithin(seconds, costs, given);
        if (plan === null) return total(leastPlan(costs, given)) > seconds;
        const { trials, steps, final } = given;
        expect(total(plan)).toBeLessThanOrEqual(seconds);
        expect(plan).toMatchObject({ ...(trials && { trials }), ...(steps && { steps }) });
        if (final !== undefined) expect(plan.final).toBe(final ?? 0);
        else expect(plan.final).toBeGreaterThanOrEqual(Math.floor(leastGain * plan.steps));
        return true;
      }),
    );
  });

  it('has more of each in more time, and uses most of it', () => {
    const costs: PartSeconds = {
      training: (steps) => 1 + 0.05 * steps,
      counting: 0,
      latency: 2,
      preparation: 20,
      saving: 3,
      ending: 4,
    };
    const free = { parallel: 2, folds: 0 };
    const plans = [10, 30, 120].map((minutes) => planWithin(60 * minutes, costs, free));
    expect(plans).toMatchObject([
      { trials: 26, steps: 318, final: 1272 },
      { trials: 52, steps: 630, final: 2520 },
      { trials: 118, steps: 1422, final: 5688 },
    ]);
    for (const [i, minutes] of [10, 30, 120].entries()) {
      const plan = plans[i];
      expect(plan === null ? 0 : total(plan) / 60).toBeGreaterThan(0.9 * minutes);
    }
  });
});

describe('the trainings of a frontier', () => {
  it('end when the last worker is free', () => {
    expect(makespan([4, 1, 1, 1], 2)).toBe(4);
    expect(makespan([1, 1, 4], 2)).toBe(5);
    expect(makespan([3, 3], 1)).toBe(6);
  });

  it('have as many steps as end in time, or none where these gain nothing', () => {
    const paces = [
      { start: 1, step: 0.01 },
      { start: 1, step: 0.03 },
    ];
    const given = { steps: 100, parallel: 2, folds: 0 };
    expect(finalSteps(31, [paces], given)).toBe(1000);
    expect(finalSteps(31, [paces], { ...given, parallel: 1 })).toBe(725);
    expect(finalSteps(31 + 5 * 31, [paces], { ...given, folds: 5 })).toBeLessThan(1300);
    expect(finalSteps(4, [paces], given)).toBe(0);
    expect(finalSteps(100, [[]], given)).toBe(0);
    // The network of the first round teaches the other one, which waits for it.
    expect(
      finalSteps(
        31,
        paces.map((pace) => [pace]),
        given,
      ),
    ).toBe(725);
  });
});

describe('the length of a training', () => {
  it('has nearly the wanted steps, in whole passes over few images and in parts of a pass over many', () => {
    expect(lengthOf(600, 4)).toEqual({ epochs: 150, steps: 600, epoch_share: 1 });
    expect(lengthOf(440, 351)).toMatchObject({ epochs: 4, steps: 440 });
    expect(lengthOf(1750, 351)).toEqual({ epochs: 5, steps: 1755, epoch_share: 1 });
    expect(lengthOf(440, 351, 1)).toEqual({ epochs: 1, steps: 351, epoch_share: 1 });
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 20_000 }), fc.integer({ min: 1, max: 2000 }), (steps, pass) => {
        const length = lengthOf(steps, pass);
        const each = Math.max(1, Math.round(length.epoch_share * pass));
        expect(length.steps).toBe(length.epochs * each);
        expect(Math.abs(length.steps - steps)).toBeLessThanOrEqual(steps / 4);
      }),
    );
  });
});
