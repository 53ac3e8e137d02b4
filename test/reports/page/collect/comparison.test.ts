import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../../base/random.js';
import { collectComparison, collectHypervolume } from '../../../../reports/page/collect/comparison.js';
import { RunCache } from '../../../../reports/page/collect/run-cache.js';
import { frontier, hypervolume } from '../../../../search/index.js';
import { errorOf } from '../../../store/support.js';
import { ask, begun, epoch, experimentOn, measured, type Written } from './history.js';
import { objectives } from '../../../search/support.js';

/** A run of `count` trials of two seconds each. */
function searched(trials: number, seed: number, experiment = experimentOn()): Written {
  const written = begun(experiment);
  const random = new Random(seed, 'searched');
  for (let number = 0; number < trials; number++) {
    ask(written, number);
    written.store.trials.start(number);
    written.wait(2000);
    const state = random.pick(['complete', 'complete', 'failed'] as const);
    const values = state === 'failed' ? {} : measured(random.int(20) / 20, 1 + random.int(20));
    written.store.trials.finish(number, { state, values });
  }
  return written;
}

describe('the hypervolume of a run', () => {
  it('grows monotonically to the share of the frontier', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), (count, seed) => {
        const { store } = searched(count, seed);
        const complete = store.overview.complete();
        const { worst, best, points } = collectHypervolume(store);
        const last = points.at(-1);
        expect(last).toMatchObject({ trials: count });
        expect(last?.seconds).toBeCloseTo(2 * count, 6);
        const shares = points.map(({ share }) => share);
        // The last two are equal without a change at the end.
        const grown = shares.slice(0, -1);
        expect(grown).toEqual([...new Set(grown)].sort((a, b) => a - b));
        expect(points.map(({ trials }) => trials)).toEqual([...new Set(points.map(({ trials }) => trials))]);
        if (complete.length === 0) {
          expect(worst).toEqual({});
          expect(last?.share).toBe(0);
          return;
        }
        const span = (name: string): number => Math.abs(best[name] - worst[name]) || 1;
        const front = frontier(complete, objectives).map(({ values }) => [
          (best['accuracy'] - values['accuracy']) / span('accuracy'),
          (values['latency_ms'] - best['latency_ms']) / span('latency_ms'),
        ]);
        expect(last?.share).toBeCloseTo(hypervolume(front, [1, 1]), 9);
        const accuracies = complete.map(({ values }) => values['accuracy']);
        expect([worst['accuracy'], best['accuracy']]).toEqual([Math.min(...accuracies), Math.max(...accuracies)]);
      }),
      { numRuns: 40, seed: 4 },
    );
  });

  it('counts epochs of restarted trials, and feasible trials only', () => {
    const written = begun(experimentOn('latency: {budget_ms: 5}'));
    const { store, wait } = written;
    for (const [number, latency] of [1, 3, 100].entries()) {
      ask(written, number);
      store.trials.start(number);
      wait(3_600_000);
      store.trials.start(number);
      wait(5000);
      if (number === 0) for (const i of [0, 1, 2]) store.curves.add({ stage: 'search', trial: 0 }, epoch(i));
      store.trials.finish(number, { state: 'complete', values: measured(0.5 + number / 10, latency) });
    }
    const { worst, best, points } = collectHypervolume(store);
    expect(worst).toEqual({ accuracy: 0.5, latency_ms: 3 });
    expect(best).toEqual({ accuracy: 0.6, latency_ms: 1 });
    // Three epochs of two seconds, and the time since the last start.
    expect(points.at(-1)).toMatchObject({ trials: 3, seconds: 6 + 5 + 5 });
  });
});

describe('a comparison of runs', () => {
  const compared = (id: string, { store }: Written) => ({ id, store, cache: new RunCache() });

  it('has common bounds', () => {
    const [one, other] = [searched(30, 1), searched(10, 2)];
    const { worst, best, runs, measures } = collectComparison([compared('one', one), compared('other', other)], 0);
    const all = [one, other].flatMap(({ store }) => store.overview.complete());
    const latencies = all.map(({ values }) => values['latency_ms']);
    expect([best['latency_ms'], worst['latency_ms']]).toEqual([Math.min(...latencies), Math.max(...latencies)]);
    expect(runs.map(({ id }) => id)).toEqual(['one', 'other']);
    expect(runs.map(({ points }) => points.at(-1)?.trials)).toEqual([30, 10]);
    const members = frontier(other.store.overview.complete(), objectives).map(({ number }) => number);
    expect(runs[1].frontier.map(({ number }) => number).sort((a, b) => a - b)).toEqual(members);
    expect(Object.keys(measures)).toEqual(['accuracy', 'latency_ms']);
  });

  it('refuses different objectives, but not another order', () => {
    const one = searched(5, 1);
    const swapped = searched(5, 1, experimentOn('objectives: [latency_ms, accuracy]'));
    const both = collectComparison([compared('one', one), compared('swapped', swapped)], 0);
    expect(both.runs[1].points).toEqual(both.runs[0].points);
    const others = searched(5, 1, experimentOn('objectives: [accuracy, macs]'));
    const error = errorOf(() => collectComparison([compared('one', one), compared('others', others)], 0));
    expect(error.code).toBe('invalid-input');
    expect(error.message).toContain('others: maximize accuracy, minimize macs');
  });
});
