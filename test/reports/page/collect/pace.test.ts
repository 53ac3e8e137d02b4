import { describe, expect, it } from 'vitest';
import { collectEntry } from '../../../../reports/page/collect/run-answer.js';
import { RunCache, paceOf } from '../../../../reports/page/collect/run-cache.js';
import { ask, begun, experimentOn, measured } from './history.js';

const minute = 60_000;

const run = {
  status: 'running',
  evaluation: 'training',
  planned: 100,
  counts: { waiting: 1, running: 1, complete: 8, pruned: 1, failed: 1 },
} as const;

describe('the pace of a run', () => {
  it('is that of the latest trials', () => {
    const ends = [1, 2, 3, 4].map((i) => i * minute);
    expect(paceOf(run, 0, ends, 4.5 * minute)).toEqual({ trialsPerHour: 60, etaSeconds: 90 * 60 });
  });

  it('falls during an unusually long pause', () => {
    const ends = [1, 2, 3, 4].map((i) => i * minute);
    expect(paceOf(run, 0, ends, 8 * minute).trialsPerHour).toBe(30);
  });

  it('is unknown with few ends, when not running, and in simulated time', () => {
    const unknown = { trialsPerHour: null, etaSeconds: null };
    const ends = [1, 2, 3].map((i) => i * minute);
    expect(paceOf(run, 0, ends.slice(0, 2), 3 * minute)).toEqual(unknown);
    expect(paceOf({ ...run, status: 'died' }, 0, ends, 3 * minute)).toEqual(unknown);
    expect(paceOf({ ...run, evaluation: 'table' }, 0, ends, 3 * minute)).toEqual(unknown);
    expect(paceOf(run, 5, [5, 5, 5], 5)).toEqual(unknown);
  });

  it('ignores trials before a resume', () => {
    const written = begun(experimentOn('search: {trials: 200}'));
    const { store, wait, now } = written;
    const watching = new RunCache();
    const finish = (number: number): void => {
      ask(written, number);
      store.trials.finish(number, { state: 'complete', values: measured(number / 100, 1 + number) });
      watching.update(store);
    };
    const internals = (memory: RunCache) => memory.summary(store, now());
    for (let number = 0; number < 30; number++) {
      wait(minute);
      finish(number);
    }
    for (let turn = 0; turn < 2; turn++) {
      const fresh = new RunCache();
      fresh.update(store);
      expect(internals(watching)).toEqual(internals(fresh));
      wait(100 * minute);
      store.events.add({ kind: 'resumed', detail: {} });
      watching.update(store);
      for (let number = 30 + 4 * turn; number < 34 + 4 * turn; number++) {
        wait(2 * minute);
        finish(number);
      }
    }
    const { ends, since } = watching as unknown as { ends: readonly number[]; since: number };
    expect(ends).toHaveLength(4);
    expect(paceOf(run, since, ends, now()).trialsPerHour).toBe(30);
  });
});

describe('a run in a list', () => {
  it('has best values and a thumbnail of its frontier', () => {
    const written = begun();
    const { store, now } = written;
    for (let number = 0; number < 200; number++) {
      ask(written, number, 2);
      store.trials.finish(number, { state: 'complete', values: measured(number / 1000, 1 + number) });
    }
    const entry = collectEntry(store, 'some', new RunCache(), now());
    expect(entry).toMatchObject({ id: 'some', frontier: 200, best: { accuracy: 0.199, latency_ms: 1 } });
    expect(entry.run).toMatchObject({ rejected: 400, counts: { complete: 200 } });
    expect(entry.measures['latency_ms']).toEqual({ title: 'latency', unit: 'ms' });
    expect(entry.sketch).toHaveLength(60);
    expect(entry.sketch.at(0)).toEqual([1, 0]);
    expect(entry.sketch.at(-1)).toEqual([200, 0.199]);
    expect(entry.sketch.map(([x]) => x)).toEqual(entry.sketch.map(([x]) => x).toSorted((a, b) => a - b));
  });

  it('has neither before a complete trial', () => {
    const { store, now } = begun();
    expect(collectEntry(store, 'new', new RunCache(), now())).toMatchObject({ frontier: 0, best: {}, sketch: [] });
  });
});
