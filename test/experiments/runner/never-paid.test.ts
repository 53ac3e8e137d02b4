import { expect, it } from 'vitest';
import { precisionBefore, type VerdictDetail } from '../../../experiments/compress/index.js';
import { neverPaid } from '../../../experiments/runner/compression.js';
import { complete, inPrecisions } from '../stored/trials.js';

const judged = (number: number, accepted: boolean | null, rejected: VerdictDetail['rejected_by'] = null) =>
  inPrecisions(complete(number, {}), accepted === true ? 'int8' : 'fp32', {
    fp32: {},
    int8: { accepted, detail: { rejected_by: rejected } },
  });

it('warns of int8 once, when it was too slow in all of ten trials', () => {
  const variants = (count: number) => Array.from({ length: count }, (_, i) => judged(i, false, 'speed').variants);
  expect([9, 10, 11].map((count) => neverPaid(variants(count)))).toEqual([false, true, false]);
  // Int8 that is fast enough is judged after training.
  expect(neverPaid([...variants(10), judged(10, null).variants])).toBe(false);
  expect(neverPaid([...variants(10), judged(10, false, 'accuracy').variants])).toBe(false);
  expect(neverPaid([...variants(10), complete(10, {}).variants])).toBe(true);
});

it('a network that is not trained yet is judged in int8 unless latencies speak against it', () => {
  const auto = { int8: 'auto', min_speedup: 1.05 } as const;
  expect(precisionBefore(auto, {})).toBe('int8');
  expect(precisionBefore(auto, { fp32: 2, int8: 1 })).toBe('int8');
  expect(precisionBefore(auto, { fp32: 1.04, int8: 1 })).toBe('fp32');
  expect(precisionBefore({ ...auto, int8: 'off' }, { fp32: 2, int8: 1 })).toBe('fp32');
  expect(precisionBefore({ ...auto, int8: 'require' }, { fp32: 1, int8: 2 })).toBe('int8');
});
