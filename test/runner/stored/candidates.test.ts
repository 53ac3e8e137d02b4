import { describe, expect, it } from 'vitest';
import { candidatesOf, frontierCandidates } from '../../../runner/stored/candidates.js';
import { complete, inPrecisions, measured } from './trials.js';
import { objectives } from '../../search/support.js';

const int8 = { values: measured({ accuracy: 0.79, latency_ms: 1 }) };
const fp32 = { values: measured({ accuracy: 0.8, latency_ms: 2 }) };
/** Computed in int8, and accepted in fp32, too. */
const both = inPrecisions(complete(1, { accuracy: 0.79, latency_ms: 1, macs: 7 }), 'int8', { fp32, int8 });

describe('the candidates of a trial', () => {
  it('are the trial alone where one precision is tried', () => {
    const trial = complete(0, { accuracy: 0.5 });
    expect(candidatesOf(trial)).toEqual([{ trial, precision: 'fp32', values: trial.values }]);
  });

  it('are the chosen variant, then other accepted ones, with the trial’s values for the rest', () => {
    expect(candidatesOf(both)).toEqual([
      { trial: both, precision: 'int8', values: both.values },
      { trial: both, precision: 'fp32', values: measured({ accuracy: 0.8, latency_ms: 2, macs: 7 }) },
    ]);
    for (const accepted of [false, null]) {
      const rejected = inPrecisions(both, 'int8', { fp32: { ...fp32, accepted }, int8 });
      expect(candidatesOf(rejected)).toHaveLength(1);
    }
  });

  it('are one as long as the trial is not complete', () => {
    expect(candidatesOf({ ...both, state: 'pruned' })).toMatchObject([{ precision: 'int8' }]);
  });
});

describe('the frontier of candidates', () => {
  it('may hold a trial in each precision, or in one of them', () => {
    const between = complete(0, { accuracy: 0.795, latency_ms: 1.5 });
    const place = ({ trial: { number }, precision }: { trial: { number: number }; precision: string }) =>
      `${number} ${precision}`;
    expect(frontierCandidates([between, both], objectives).map(place)).toEqual(['0 fp32', '1 int8', '1 fp32']);
    const better = complete(2, { accuracy: 0.81, latency_ms: 1.5 });
    expect(frontierCandidates([between, both, better], objectives).map(place)).toEqual(['1 int8', '2 fp32']);
    const constrained = [objectives[0], { ...objectives[1], constraint: { min: 1.2 } }];
    expect(frontierCandidates([between, both], constrained).map(place)).toEqual(['0 fp32', '1 fp32']);
  });
});
