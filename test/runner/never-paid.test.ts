import { expect, it } from 'vitest';
import { precisionBefore } from '../../runner/compress/gates.js';
import { type VerdictDetail } from '../../runner/compress/verdict.js';
import { SpeedVerdicts } from '../../runner/compression.js';
import type { TrialRecord } from '../../store/index.js';
import { complete, inPrecisions } from './stored/trials.js';

const judged = (number: number, accepted: boolean | null, rejected: VerdictDetail['rejected_by'] = null) =>
  inPrecisions(complete(number, {}), accepted === true ? 'int8' : 'fp32', {
    fp32: {},
    int8: { accepted, detail: { rejected_by: rejected } },
  });

/** The trials after which the warning is given. */
function warned(trials: readonly TrialRecord[]): number[] {
  const speeds = new SpeedVerdicts();
  return trials.flatMap(({ number, variants }) =>
    speeds.add(variants.find(({ precision }) => precision === 'int8')) ? [number] : [],
  );
}

it('warns of int8 once, when it was too slow in all of ten trials', () => {
  const slow = (count: number) => Array.from({ length: count }, (_, i) => judged(i, false, 'speed'));
  expect(warned(slow(30))).toEqual([9]);
  // Int8 that is fast enough is judged after training.
  expect(warned([judged(0, null), ...slow(30)])).toEqual([]);
  expect(warned([...slow(5), judged(5, false, 'accuracy'), ...slow(30)])).toEqual([]);
  expect(warned([complete(90, {}), ...slow(30)])).toEqual([9]);
});

it('a network that is not trained yet is judged in int8 unless latencies speak against it', () => {
  const auto = { int8: 'auto', min_speedup: 1.05 } as const;
  expect(precisionBefore(auto, {})).toBe('int8');
  expect(precisionBefore(auto, { fp32: 2, int8: 1 })).toBe('int8');
  expect(precisionBefore(auto, { fp32: 1.04, int8: 1 })).toBe('fp32');
  expect(precisionBefore({ ...auto, int8: 'off' }, { fp32: 2, int8: 1 })).toBe('fp32');
  expect(precisionBefore({ ...auto, int8: 'require' }, { fp32: 1, int8: 2 })).toBe('int8');
});
