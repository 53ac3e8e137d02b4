import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { averageDecay, learningRate, type Schedule, type ScheduleConfig } from '../../trainers/optimizers/index.js';
import { trainSchema } from '../../trainers/schema/recipe.js';

const config = (warmup: number, epochs = 4, final = 0.01, schedule?: Schedule): ScheduleConfig => ({
  schedule,
  epochs,
  batch: 32,
  warmup_epochs: warmup,
  final_learning_rate: final,
  optimizer: trainSchema.parse({ optimizer: { type: 'sgd' } }).optimizer,
});

const ratesOf = (stepsPerEpoch: number, own: ScheduleConfig): number[] =>
  Array.from({ length: own.epochs * stepsPerEpoch }, (_, step) => learningRate(step, stepsPerEpoch, own));

describe('learning rate', () => {
  test('of muon follows the square root of the batch; others do not', () => {
    const peak = (type: string, batch: number): number =>
      Math.max(...ratesOf(5, { ...config(1), batch, optimizer: trainSchema.parse({ optimizer: { type } }).optimizer }));
    expect(peak('muon', 128)).toBeCloseTo(0.8, 12);
    expect(peak('muon', 32)).toBeCloseTo(0.4, 12);
    expect(peak('sgd', 32)).toBe(peak('sgd', 128));
  });

  test('rises linearly to the peak, then falls as half a cosine to its end', () => {
    const rates = Array.from({ length: 20 }, (_, step) => learningRate(step, 5, config(1)));
    rates.slice(0, 5).forEach((rate, i) => expect(rate).toBeCloseTo(0.02 * (i + 1), 12));
    expect(rates[5]).toBeCloseTo(0.1, 12);
    expect(rates[12]).toBeCloseTo(0.1 * (0.01 + 0.99 * 0.5), 12);
    expect(rates[19]).toBeCloseTo(0.001, 12);
  });

  test('rises linearly, then falls linearly to its end, which it reaches after the last step', () => {
    const rates = ratesOf(5, config(1, 4, 0.2, 'linear'));
    rates.slice(0, 5).forEach((rate, i) => expect(rate).toBeCloseTo(0.02 * (i + 1), 12));
    rates.slice(5).forEach((rate, i) => expect(rate).toBeCloseTo(0.1 * (0.2 + (0.8 * (15 - i)) / 15), 12));
  });

  test('stays at the peak after the warm-up where the schedule is constant', () => {
    expect(ratesOf(2, config(1, 3, 0, 'constant'))).toEqual([0.05, 0.1, 0.1, 0.1, 0.1, 0.1]);
  });

  test('rises and falls once in a cycle, each along half a cosine', () => {
    const rates = ratesOf(101, config(0.5, 1, 0.01, 'one-cycle'));
    expect(rates[0]).toBeCloseTo(0.1 / 25, 12);
    expect(rates[15]).toBeCloseTo((0.1 / 25 + 0.1) / 2, 12);
    expect(rates[30]).toBeCloseTo(0.1, 12);
    expect(rates[65]).toBeCloseTo((0.1 + 0.001) / 2, 12);
    expect(rates[100]).toBeCloseTo(0.001, 12);
    rates
      .slice(1)
      .forEach((rate, i) => (i < 30 ? expect(rate) : expect(-rate)).toBeGreaterThan(i < 30 ? rates[i] : -rates[i]));
  });

  test('is positive and never above the peak; it rises, then falls', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Schedule | undefined>(undefined, 'constant', 'cosine', 'linear', 'one-cycle'),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 9 }),
        fc.double({ min: 0, max: 8, noNaN: true }),
        fc.double({ min: 0.001, max: 1, noNaN: true }),
        (schedule, epochs, steps, warmup, final) => {
          const rates = ratesOf(steps, config(warmup, epochs, final, schedule));
          expect(rates.every((rate) => rate > 0 && rate <= 0.1 + 1e-12)).toBe(true);
          const ownRise = schedule === 'one-cycle' ? 0.3 * (rates.length - 1) : warmup * steps;
          const top = Math.min(rates.length, Math.round(ownRise));
          for (const [i, rate] of rates.entries())
            if (i > 0 && i < top) expect(rate).toBeGreaterThanOrEqual(rates[i - 1]);
            else if (i > top) expect(rate).toBeLessThanOrEqual(rates[i - 1] + 1e-12);
        },
      ),
    );
  });

  test('stays constant when the end is the peak', () => {
    expect(learningRate(7, 5, config(0, 2, 1))).toBeCloseTo(0.1, 12);
  });
});

test('the moving average forgets fast at first and as configured later', () => {
  expect(averageDecay(0, { ema: 0.99 })).toBeCloseTo(0.1, 12);
  expect(averageDecay(10_000, { ema: 0.99 })).toBe(0.99);
});

test('a moving average that begins with trained weights never forgets them fast', () => {
  expect(averageDecay(0, { ema: 0.99, averagesStart: true })).toBe(0.99);
});
