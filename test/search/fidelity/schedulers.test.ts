import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../base/random.js';
import { createScheduler, fidelitySchema, type FidelityConfig } from '../../../search/index.js';
import { geometricRungs } from '../../../search/fidelity/create-scheduler.js';
import type { Objective } from '../../../search/index.js';
import { simulate, type Curves } from './simulation.js';

const objectives: readonly Objective[] = [
  { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
  { name: 'macs', direction: 'minimize', cost: 'cheap' },
];

/** Learning curves that rise towards a value of their own; some trainings fail. */
const curvesOf =
  (seed: number, failing = 0): Curves =>
  (trial, epochs) => {
    const random = new Random(seed, 'curve', trial);
    const [macs, best, rate, fate] = [random.uniform(), random.uniform(), random.uniform(), random.uniform()];
    if (fate < failing && epochs > 2) return null;
    return { accuracy: best * (1 - Math.exp(-epochs * (0.2 + rate))), macs };
  };

const parse = (config: unknown): FidelityConfig => fidelitySchema.parse(config);

const cases = fc.record({
  seed: fc.nat(10_000),
  trials: fc.integer({ min: 1, max: 40 }),
  parallel: fc.integer({ min: 1, max: 4 }),
  epochs: fc.integer({ min: 2, max: 20 }),
  eta: fc.integer({ min: 2, max: 4 }),
  failing: fc.constantFrom(0, 0.3),
});

const run = (
  config: FidelityConfig,
  c: { seed: number; trials: number; parallel: number; epochs: number; failing?: number },
) => {
  const random = new Random(c.seed, 'pick');
  return simulate(createScheduler(config, { objectives, epochs: c.epochs }), {
    ...c,
    curves: curvesOf(c.seed, c.failing),
    pick: (n) => random.int(n),
  });
};

describe('rungs', () => {
  test.each([
    [9, 1, 3, [1, 3, 9]],
    [12, 1, 3, [1, 4, 12]],
    [12, 2, 3, [4, 12]],
    [4, 1, 2, [1, 2, 4]],
    [3, 1, 4, [1, 3]],
    [1, 1, 3, [1]],
    [5, 5, 3, [5]],
  ])('of %i epochs, %i at least, eta %i', (epochs, min, eta, rungs) => {
    expect(geometricRungs(epochs, min, eta)).toEqual(rungs);
  });
});

describe('freezing and thawing', () => {
  const type = 'freeze-thaw';
  test('trains each trial rung by rung, and ends every trial', () => {
    fc.assert(
      fc.property(cases, (c) => {
        const { steps, results, stops, failed } = run(parse({ type, eta: c.eta }), c);
        const rungs = geometricRungs(c.epochs, 1, c.eta);
        for (let trial = 0; trial < c.trials; trial++) {
          const own = steps.filter((step) => step.trial === trial).map(({ epochs }) => epochs);
          expect(own).toEqual(rungs.slice(0, own.length));
          const whole = results.some((result) => result.trial === trial && result.epochs === c.epochs);
          expect([whole, stops.has(trial), failed.has(trial)].filter(Boolean)).toHaveLength(1);
        }
        if (failed.size === 0) expect(results.some(({ epochs }) => epochs === c.epochs)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  test('keeps every worker busy while trials may be asked', () => {
    fc.assert(
      fc.property(cases, (c) => {
        const { decisions } = run(parse({ type, eta: c.eta }), c);
        let asked = 0;
        let idle = false;
        // A decision that was made with a free worker left over, although a trial could have been asked, would show as
        // a later ask with fewer steps at work than workers.
        for (const { decision, unknown } of decisions) {
          if (decision.kind === 'ask') {
            idle ||= asked >= c.parallel && unknown < c.parallel - 1;
            asked++;
          }
        }
        expect(idle).toBe(false);
      }),
      { numRuns: 15 },
    );
  });

  test('repeats its decisions with one worker', () => {
    const c = { seed: 3, trials: 20, parallel: 1, epochs: 9 };
    expect(run(parse({ type }), c)).toEqual(run(parse({ type }), c));
  });
});

describe('without fidelity', () => {
  test('every trial is trained to its end in one step', () => {
    const { steps } = run(parse({ type: 'none' }), { seed: 2, trials: 5, parallel: 2, epochs: 7 });
    expect(steps).toEqual([0, 1, 2, 3, 4].map((trial) => ({ trial, epochs: 7 })));
  });
});
