import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../base/random.js';
import type { TrialResult } from '../../../search/controller.js';
import { ExtrapolatedHistory } from '../../../search/fidelity/learning-curves.js';
import type { Objective } from '../../../search/index.js';

const objectives: readonly Objective[] = [
  { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
  { name: 'macs', direction: 'minimize', cost: 'cheap' },
];

const third = 1 / 3;

/** A trial with its accuracies after a ninth, a third and all of its training, as far as it got. */
function trial(number: number, ...accuracies: readonly number[]): TrialResult {
  const rungs = [third ** 2, third].slice(0, accuracies.length).map((share, i) => ({
    share,
    values: { accuracy: accuracies[i], macs: number },
  }));
  const whole = accuracies.length === 3;
  return {
    number,
    genotype: [number],
    state: whole ? 'complete' : 'pruned',
    values: { ...(whole ? { accuracy: accuracies[2] } : {}), macs: number },
    rungs,
  };
}

const extrapolate = (history: readonly TrialResult[]) => new ExtrapolatedHistory(objectives).of(history);

describe('partly trained trials', () => {
  test('are complete, with the gains of other trials from rung to rung', () => {
    const history = [trial(0, 0.5, 0.6, 0.7), trial(1, 0.4, 0.5), trial(2, 0.3)];
    const [whole, half, little] = extrapolate(history);
    expect(whole).toBe(history[0]);
    expect(half).toMatchObject({ state: 'complete', values: { macs: 1 } });
    expect(half.values['accuracy']).toBeGreaterThan(0.55);
    expect(half.values['accuracy']).toBeLessThan(0.68);
    expect(little.values['accuracy']).toBeGreaterThan(0.4);
    expect(little.values['accuracy']).toBeLessThan(half.values['accuracy']);
    expect(half.deviations?.['accuracy']).toBeGreaterThan(0);
    expect(little.deviations?.['accuracy']).toBeGreaterThan(half.deviations?.['accuracy'] ?? 0);
  });

  test('follow the regression through many others', () => {
    const line = (early: number): number => 0.2 + 0.9 * early;
    const random = new Random(1, 'trials');
    const known = Array.from({ length: 40 }, (_, i) => {
      const x = 0.3 + 0.4 * random.uniform();
      return trial(i, x, line(x), line(line(x)));
    });
    const extrapolated = extrapolate([...known, trial(40, 0.45), trial(41, 0.4, line(0.4))]);
    expect(extrapolated[40].values['accuracy']).toBeCloseTo(line(line(0.45)), 2);
    expect(extrapolated[41].values['accuracy']).toBeCloseTo(line(line(0.4)), 2);
  });

  test('keep their values when no trial was trained for longer', () => {
    const [first] = extrapolate([trial(0, 0.5), trial(1, 0.4)]);
    expect(first).toMatchObject({ state: 'complete', values: { accuracy: 0.5, macs: 0 } });
  });
});

describe('an extrapolated history', () => {
  test('returns a history without rungs as it is', () => {
    const history: TrialResult[] = [
      { number: 0, genotype: [0], state: 'complete', values: { accuracy: 0.5, macs: 1 } },
      { number: 1, genotype: [1], state: 'pruned', values: { macs: 9 } },
      { number: 2, genotype: [2], state: 'failed', values: {} },
    ];
    expect(extrapolate(history)).toBe(history);
  });

  test('depends on the history alone, and returns the same objects while nothing changes', () => {
    const accuracies = fc.array(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 3 }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(accuracies, (all) => {
        const history = all.map((values, i) => trial(i, ...values));
        const used = new ExtrapolatedHistory(objectives);
        used.of(history.slice(0, history.length >> 1));
        const whole = used.of(history);
        expect(whole).toEqual(extrapolate(history));
        for (const [i, trial] of used.of(history).entries()) expect(trial).toBe(whole[i]);
        for (const { state, values } of whole) {
          expect(state).toBe('complete');
          expect(Number.isFinite(values['accuracy'])).toBe(true);
        }
      }),
      // Values that differ by next to nothing.
      { examples: [[[[0, 0, 4.5e-8], [0, 0, 0], [0, 4.8e-162, 0], [0]]]] },
    );
  });
});
