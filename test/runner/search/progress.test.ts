import { describe, expect, it } from 'vitest';
import type { RunContext } from '../../../runner/plan.js';
import type { RunEvent } from '../../../runner/events.js';
import { SearchProgress } from '../../../runner/search/progress.js';
import type { TrialRecord } from '../../../store/index.js';
import { complete, inPrecisions, measured } from '../stored/trials.js';
import { objectives } from '../../search/support.js';

function eventsOf(trials: readonly TrialRecord[], before: readonly TrialRecord[] = []): RunEvent[] {
  const events: RunEvent[] = [];
  const experiment = { objectives, search: { trials: 9, fidelity: { type: 'none' } } };
  const context = { plan: { experiment }, observe: (event: RunEvent) => void events.push(event) };
  // Progress reads no more of a context than this.
  const progress = new SearchProgress(context as unknown as RunContext, before, () => 0);
  for (const [i, trial] of trials.entries()) progress.ended(trial, i + 1);
  return events;
}

const frontiers = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.kind === 'frontier' ? [event.members] : []));

describe('the progress of a search', () => {
  it('tells the frontier whenever it changes; of runs with one precision, without a word of it', () => {
    const [first, worse] = [
      complete(0, { accuracy: 0.5, latency_ms: 1 }),
      complete(1, { accuracy: 0.4, latency_ms: 2 }),
    ];
    const point = { number: 0, values: { accuracy: 0.5, latency_ms: 1 } };
    expect(frontiers(eventsOf([first, worse, { ...first, number: 2, state: 'pruned' }]))).toEqual([[point]]);
    expect(frontiers(eventsOf([complete(2, { accuracy: 0.6, latency_ms: 2 })], [first]))).toEqual([
      [point, { number: 2, values: { accuracy: 0.6, latency_ms: 2 } }],
    ]);
  });

  it('tells candidates: a trial in each precision that it may stand on the frontier in', () => {
    const values = { accuracy: 0.79, latency_ms: 1 };
    const trial = inPrecisions(complete(0, values), 'int8', {
      fp32: { values: measured({ accuracy: 0.8, latency_ms: 2 }) },
      int8: { values: measured(values) },
    });
    const int8 = { number: 0, precision: 'int8', values };
    const fp32 = { number: 0, precision: 'fp32', values: { accuracy: 0.8, latency_ms: 2 } };
    const slow = inPrecisions(complete(1, { accuracy: 0.9, latency_ms: 3 }), 'fp32', {
      fp32: {},
      int8: { accepted: false, values: measured({ accuracy: 0.9, latency_ms: 2 }) },
    });
    const other = { number: 1, precision: 'fp32', values: { accuracy: 0.9, latency_ms: 3 } };
    expect(frontiers(eventsOf([trial, slow]))).toEqual([
      [int8, fp32],
      [int8, fp32, other],
    ]);
  });
});
