import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../base/random.js';
import { createScheduler, fidelitySchema, hypervolume, type Objective, type Values } from '../../../search/index.js';
import { simulate, type Curves } from './simulation.js';

const objectives: readonly Objective[] = [
  { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
  { name: 'macs', direction: 'minimize', cost: 'cheap' },
];
const epochs = 9;

/** Accuracies that grow towards what follows from the first one and, for large networks, longer. */
const curvesOf =
  (seed: number, noise: number): Curves =>
  (trial, after) => {
    const random = new Random(seed, 'curve', trial);
    const macs = Math.exp(3 * random.uniform());
    const early = 0.4 + 0.2 * random.uniform();
    const grown = (1 - Math.exp(-after / 3)) * (0.2 + 0.06 * Math.log(macs) - 0.3 * (early - 0.5));
    return { accuracy: early + grown + noise * new Random(seed, 'noise', trial, after).normal(), macs };
  };

const run = (curves: Curves, trials: number, config: object = {}, parallel = 1) =>
  simulate(createScheduler(fidelitySchema.parse({ type: 'freeze-thaw', ...config }), { objectives, epochs }), {
    trials,
    parallel,
    curves,
    pick: () => 0,
  });

/** Epochs trained in all, and the hypervolume found as a share of what training everything to its end would find. */
function outcome(curves: Curves, trials: number, { steps, results }: ReturnType<typeof run>) {
  const ends = Array.from({ length: trials }, (_, trial) => curves(trial, epochs) ?? {});
  const pointsOf = (all: readonly Values[]) => all.map(({ accuracy, macs }) => [1 - accuracy, macs]);
  const reference = [1, 1.1 * Math.max(...ends.map(({ macs }) => macs))];
  const whole = results.filter((result) => result.epochs === epochs).map(({ values }) => values);
  const trained = Array.from({ length: trials }, (_, trial) =>
    Math.max(...steps.filter((step) => step.trial === trial).map((step) => step.epochs)),
  );
  return {
    share: trained.reduce((sum, own) => sum + own, 0) / (trials * epochs),
    found: hypervolume(pointsOf(whole), reference) / hypervolume(pointsOf(ends), reference),
  };
}

describe('freezing and thawing', () => {
  test('finds the frontier in about two fifths of the epochs when early values are informative', () => {
    // Over the seeds from 0 to 1000, the share is 0.404 ± 0.031, at most 0.5, and at least 0.988 is found.
    const outcomes = Array.from({ length: 4 }, (_, seed) => {
      const curves = curvesOf(seed, 0.001);
      return outcome(curves, 40, run(curves, 40));
    });
    for (const { share, found } of outcomes) {
      expect(found).toBeGreaterThan(0.98);
      expect(share).toBeLessThanOrEqual(0.5);
    }
    const mean = outcomes.reduce((sum, { share }) => sum + share, 0) / outcomes.length;
    expect(mean).toBeLessThan(0.45);
  });

  test('promotes at most one in eta of a rung while trials are asked', () => {
    fc.assert(
      fc.property(
        fc.nat(1000),
        fc.integer({ min: 2, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        (seed, eta, parallel) => {
          const { decisions } = run(curvesOf(seed, 0.01), 30, { eta }, parallel);
          const lastAsk = decisions.findLastIndex(({ decision }) => decision.kind === 'ask');
          const sentOn = decisions.slice(0, lastAsk).filter(({ decision }) => decision.kind === 'promote');
          const first = sentOn.filter(({ decision }) => 'reason' in decision && / after 1 of 9 /.test(decision.reason));
          expect(first.length).toBeLessThanOrEqual(30 / eta);
        },
      ),
      { numRuns: 3 },
    );
  });

  test('trains less with a larger minimal gain', () => {
    const shares = [0.0001, 0.001, 0.01, 0.1].map((min_gain) => {
      const curves = curvesOf(5, 0.01);
      return outcome(curves, 40, run(curves, 40, { min_gain })).share;
    });
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
    expect(shares[3]).toBeLessThan(shares[0] / 1.5);
  });

  test('gives the expected gain as the reason of promotions and stops', () => {
    const { decisions, stops } = run(curvesOf(1, 0.01), 12);
    const reasons = decisions.flatMap(({ decision }) => (decision.kind === 'promote' ? [decision.reason] : []));
    for (const reason of reasons) expect(reason).toMatch(/^promises .+ % of the frontier after \d of 9 epochs$/);
    for (const reason of stops.values())
      expect(reason).toMatch(/^stopped after \d of 9 epochs: promises .+ % of the frontier$/);
    expect(stops.size).toBeGreaterThan(2);
  });

  test('stops trials whose values are not numbers', () => {
    const broken: Curves = (trial, after) => ({ accuracy: trial % 2 === 0 ? NaN : 0.1 * after, macs: trial });
    const { stops, results } = run(broken, 6);
    for (const trial of [0, 2, 4]) expect(stops.get(trial)).toMatch(/promises less than 0.01 %/);
    expect(results.some(({ trial, epochs: after }) => trial === 1 && after === epochs)).toBe(true);
  });
});
