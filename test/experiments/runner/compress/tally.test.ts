import { expect, it } from 'vitest';
import { precisionBefore, type VerdictDetail } from '../../../../experiments/compress/index.js';
import { neverPaid, tallyText } from '../../../../experiments/runner/compress/tally.js';
import { complete, inPrecisions } from '../loop/trials.js';

const judged = (number: number, accepted: boolean | null, rejected: VerdictDetail['rejected_by'] = null) =>
  inPrecisions(complete(number, {}), accepted === true ? 'int8' : 'fp32', {
    fp32: {},
    int8: { accepted, detail: { rejected_by: rejected } },
  });

it('says how often int8 was chosen, and what spoke against it', () => {
  const slow = [0, 1, 2].map((number) => judged(number, false, 'speed'));
  const others = [judged(3, false, 'accuracy'), judged(4, true), judged(5, false, 'quantizing'), judged(6, null)];
  expect(tallyText([...slow, ...others])).toBe(
    'int8 was chosen for 1 of 6 trials (3 rejected by speed, 1 by accuracy, 1 could not be quantized)',
  );
  expect(tallyText([judged(3, false, 'accuracy'), judged(4, true)])).toBe(
    'int8 was chosen for 1 of 2 trials (1 rejected by accuracy)',
  );
  expect(tallyText([complete(0, {}), judged(1, null)])).toBeUndefined();
});

it('doubts int8 once, when ten trials have been measured and it never was fast enough', () => {
  const variants = (count: number) => Array.from({ length: count }, (_, i) => judged(i, false, 'speed').variants);
  expect([9, 10, 11].map((count) => neverPaid(variants(count)))).toEqual([false, true, false]);
  // Of those that are fast enough, training decides.
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
