import { describe, expect, it } from 'vitest';
import { trialStates, type TrialRecord, type TrialState } from '../../store/index.js';
import { newStore, newTrial } from './support.js';

/** Trials in every state; those that have ended with values have equal ones now and then. */
function stored() {
  const { store } = newStore();
  for (let number = 0; number < 60; number++) {
    store.trials.ask(newTrial(number, { rejected: number % 3 }));
    const state = trialStates[number % trialStates.length];
    if (state !== 'waiting') store.trials.start(number);
    if (state === 'waiting' || state === 'running') continue;
    const accuracy = { value: ((number * 7) % 20) / 20, provenance: 'measured' } as const;
    store.trials.finish(number, { state, values: state === 'failed' ? {} : { accuracy } });
  }
  store.trials.revise(2, { accuracy: { value: 0.99, provenance: 'measured' } });
  return store;
}

const valueOf = ({ values }: TrialRecord): number => values['accuracy'].value;

describe('pages of trials', () => {
  it('are the same trials, cut out, in the order that was asked for', () => {
    const { trials } = stored();
    const all = trials.all();
    expect(trials.page({ offset: 10, limit: 7 })).toEqual(all.slice(10, 17));
    expect(trials.page({ offset: 55, limit: 10 })).toEqual(all.slice(55));
    const ended: readonly TrialState[] = ['complete', 'pruned'];
    const some = all.filter(({ state }) => ended.includes(state));
    for (const descending of [true, false]) {
      const sort = { objective: 'accuracy', descending };
      const sign = descending ? -1 : 1;
      const sorted = some.toSorted((a, b) => sign * (valueOf(a) - valueOf(b)) || a.number - b.number);
      expect(trials.page({ states: ended, sort })).toEqual(sorted);
      expect(trials.page({ states: ended, sort, offset: 3, limit: 5 })).toEqual(sorted.slice(3, 8));
      expect(trials.page({ sort, offset: some.length }).every(({ values }) => !('accuracy' in values))).toBe(true);
    }
  });

  it('come with counts, and the values that the frontier is made of', () => {
    const { trials, overview } = stored();
    const all = trials.all();
    expect(trials.progress()).toEqual({ waiting: 12, running: 12, complete: 12, pruned: 12, failed: 12 });
    expect(trials.totals().rejected).toBe(60);
    const moments = all.flatMap(({ askedAt, startedAt, finishedAt }) => [askedAt, startedAt ?? 0, finishedAt ?? 0]);
    expect(trials.totals().changedAt).toBe(Math.max(...moments));
    const complete = all.filter(({ state }) => state === 'complete');
    expect(overview.complete()).toEqual(
      complete.map((trial) => ({
        number: trial.number,
        precision: 'fp32',
        state: 'complete',
        values: { accuracy: valueOf(trial) },
      })),
    );
  });
});
