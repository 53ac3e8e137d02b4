import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../base/random.js';
import { chanceAbove, extrapolate } from '../../../search/fidelity/extrapolation.js';
import { createScheduler, fidelitySchema } from '../../../search/fidelity/index.js';
import { studentExceeds } from '../../../search/fidelity/student.js';
import type { Objective } from '../../../search/index.js';
import { simulate, type Curves } from './simulation.js';

describe("Student's t distribution", () => {
  // Quantiles of printed tables (0.95, 0.975, 0.995).
  test.each([
    [6.314, 1, 0.05],
    [4.303, 2, 0.025],
    [2.353, 3, 0.05],
    [2.776, 4, 0.025],
    [4.032, 5, 0.005],
    [2.228, 10, 0.025],
    [2.042, 30, 0.025],
  ])('exceeds %f with %i degrees of freedom', (t, degrees, probability) => {
    expect(studentExceeds(t, degrees)).toBeCloseTo(probability, 4);
    expect(studentExceeds(-t, degrees)).toBeCloseTo(1 - probability, 4);
  });

  test('falls from 1 to 0', () => {
    fc.assert(
      fc.property(fc.double({ min: -50, max: 50, noNaN: true }), fc.integer({ min: 1, max: 40 }), (t, degrees) => {
        expect(studentExceeds(t, degrees) + 1e-12).toBeGreaterThan(studentExceeds(t + 1, degrees));
      }),
    );
  });
});

describe('extrapolation', () => {
  const world = (seed: number, n: number) => {
    const random = new Random(seed, 'world');
    return Array.from({ length: n }, () => {
      const early = 0.5 + 0.3 * random.uniform();
      return { early, late: 0.3 + 0.7 * early + 0.01 * random.normal() };
    });
  };

  test('is as sure as it may be: the chance of what happened is uniform', () => {
    const chances: number[] = [];
    for (let seed = 0; seed < 600; seed++) {
      const [trial, ...others] = world(seed, 7);
      chances.push(chanceAbove(extrapolate(trial.early, others), trial.late));
    }
    for (const level of [0.05, 0.25, 0.5, 0.75, 0.95]) {
      const share = chances.filter((chance) => chance < level).length / chances.length;
      // Three standard errors.
      expect(Math.abs(share - level)).toBeLessThan(3 * Math.sqrt((level * (1 - level)) / chances.length));
    }
  });

  test('is finite when all trials are alike', () => {
    const alike = [0, 1, 2].map(() => ({ early: 0.5, late: 0.6 }));
    expect(extrapolate(0.4, alike)).toMatchObject({ mean: 0.6, degrees: 1 });
    expect(chanceAbove(extrapolate(0.5, alike), 0.7)).toBeLessThan(0.05);
    expect(chanceAbove(extrapolate(0.5, alike), -Infinity)).toBe(1);
  });
});

describe('stopping by the curve', () => {
  const objectives: readonly Objective[] = [
    { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
    { name: 'macs', direction: 'minimize', cost: 'cheap' },
  ];
  const scheduler = createScheduler(fidelitySchema.parse({ type: 'curve', warmup: 4 }), { objectives, epochs: 4 });
  /** Accuracy grows with the epochs and the quality; every fifth trial is hopeless. */
  const curves: Curves = (trial, epochs) => {
    const random = new Random(trial, 'curve');
    const macs = trial % 5 === 4 ? 1 : ((7 * trial) % 20) / 20;
    const quality = trial % 5 === 4 ? 0.3 : 0.6 + 0.3 * macs;
    return { accuracy: quality * (0.5 + 0.125 * epochs) + 0.0002 * random.normal(), macs };
  };
  const run = (all: Curves) => simulate(scheduler, { trials: 20, parallel: 2, curves: all, pick: () => 0 });

  test('stops the hopeless and nobody else, and says why', () => {
    const { stops, results } = run(curves);
    for (const [trial, reason] of stops) {
      expect(trial % 5).toBe(4);
      expect(reason).toMatch(
        /^stopped after 1 of 4 epochs: 0\.\d % chance to enter the frontier \(accuracy 0\.\d+ ± .* needed\)$/,
      );
    }
    expect([...stops.keys()]).toEqual([4, 9, 14, 19]);
    expect(results.filter(({ epochs }) => epochs === 4)).toHaveLength(16);
  });

  test('never stops the network with fewest operations', () => {
    const { stops } = run((trial, epochs) => ({
      ...curves(trial, epochs),
      accuracy: 0.01 * epochs,
      macs: 1 / (1 + trial),
    }));
    expect(stops.size).toBe(0);
  });

  test('stops nobody when training decides nothing', () => {
    const costs = createScheduler(fidelitySchema.parse({ type: 'curve', warmup: 3 }), {
      objectives: [objectives[1]],
      epochs: 4,
    });
    expect(simulate(costs, { trials: 8, parallel: 1, curves, pick: () => 0 }).stops.size).toBe(0);
  });
});
