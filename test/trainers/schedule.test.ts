import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { averageDecay, learningRate, type ScheduleConfig } from '../../trainers/optimizers.js';
import { trainSchema } from '../../trainers/recipe.js';

const config = (warmup: number, epochs = 4, final = 0.01): ScheduleConfig => ({
  epochs,
  warmup_epochs: warmup,
  final_learning_rate: final,
  optimizer: trainSchema.parse({}).optimizer,
});

describe('learning rate', () => {
  test('rises linearly to the peak, then falls as half a cosine to its end', () => {
    const rates = Array.from({ length: 20 }, (_, step) => learningRate(step, 5, config(1)));
    rates.slice(0, 5).forEach((rate, i) => expect(rate).toBeCloseTo(0.02 * (i + 1), 12));
    expect(rates[5]).toBeCloseTo(0.1, 12);
    expect(rates[12]).toBeCloseTo(0.1 * (0.01 + 0.99 * 0.5), 12);
    expect(rates[19]).toBeCloseTo(0.001, 12);
  });

  test('is positive, never above the peak and never rises after the warm-up', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 9 }),
        fc.double({ min: 0, max: 8, noNaN: true }),
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        (epochs, steps, warmup, final) => {
          const rates = Array.from({ length: epochs * steps }, (_, s) =>
            learningRate(s, steps, config(warmup, epochs, final)),
          );
          expect(rates.every((rate) => rate > 0 && rate <= 0.1 + 1e-12)).toBe(true);
          const decay = rates.slice(Math.round(warmup * steps));
          decay.forEach((rate, i) => expect(rate).toBeLessThanOrEqual((decay[i - 1] ?? Infinity) + 1e-12));
        },
      ),
    );
  });

  test('stays constant when the end is the peak', () => {
    expect(learningRate(7, 5, config(0, 2, 1))).toBeCloseTo(0.1, 12);
  });
});

test('the moving average forgets fast at first and as configured later', () => {
  expect(averageDecay(0, 0.99)).toBeCloseTo(0.1, 12);
  expect(averageDecay(10_000, 0.99)).toBe(0.99);
});
