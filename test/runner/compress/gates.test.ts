import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accuracyGate, speedGate } from '../../../runner/compress/gates.js';
import { verdictDetail } from '../../../runner/compress/verdict.js';

const refused = (reason: string) => ({ passes: false, reason });

describe('the gate of speed', () => {
  const least = { min_speedup: 1.05 };

  it('takes what is fast enough, and says how fast it is', () => {
    expect(speedGate({ fp32: 9, int8: 5 }, least)).toEqual({ passes: true, reason: 'int8 is 1.80 × as fast' });
    expect(speedGate({ fp32: 1.05, int8: 1 }, least)).toEqual({ passes: true, reason: 'int8 is 1.05 × as fast' });
  });

  it('refuses the rest, and says what was wanted', () => {
    expect(speedGate({ fp32: 0.71, int8: 1 }, least)).toEqual(refused('int8 is 0.71 × as fast (min_speedup 1.05)'));
  });

  it('never says the limit of what misses it, nor less than the limit of what reaches it', () => {
    expect(speedGate({ fp32: 1.0496, int8: 1 }, least).reason).toBe('int8 is 1.0496 × as fast (min_speedup 1.05)');
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 4, noNaN: true }), fc.integer({ min: 1, max: 400 }), (fp32, percent) => {
        const limit = percent / 100;
        const { passes, reason } = speedGate({ fp32, int8: 1 }, { min_speedup: limit });
        const said = Number(/is (\S+) ×/.exec(reason)?.[1]);
        expect(said >= limit).toBe(passes);
      }),
    );
  });
});

describe('the gate of accuracy', () => {
  const most = { max_accuracy_drop: 0.005 };

  it('accepts a loss up to the limit, in spite of floating point', () => {
    expect(0.905 - 0.9).toBeGreaterThan(0.005);
    expect(accuracyGate({ fp32: 0.905, int8: 0.9 }, most)).toEqual({ passes: true, reason: '−0.5 points' });
    expect(accuracyGate({ fp32: 0.9, int8: 0.9025 }, most)).toEqual({ passes: true, reason: '+0.25 points' });
    expect(accuracyGate({ fp32: 0.9, int8: 0.9 }, { max_accuracy_drop: 0 }).passes).toBe(true);
  });

  it('refuses the rest, and says what it loses', () => {
    expect(accuracyGate({ fp32: 0.9, int8: 0.892 }, most)).toEqual(
      refused('int8 loses 0.80 points (max_accuracy_drop 0.005)'),
    );
  });

  it('compares mAP in points, and R² as a number', () => {
    expect(accuracyGate({ fp32: 0.9, int8: 0.897 }, most, 'multi-label').reason).toBe('−0.3 points');
    expect(accuracyGate({ fp32: 0.9, int8: 0.897 }, most, 'regression')).toEqual({ passes: true, reason: '−0.003' });
    expect(accuracyGate({ fp32: -0.2, int8: -0.2065 }, most, 'regression')).toEqual(
      refused('int8 loses 0.0065 of R² (max_accuracy_drop 0.005)'),
    );
  });

  it('accepts exactly what a count of images says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.nat(), fc.nat(), fc.nat(500), (images, a, b, allowed) => {
        const [fp32, int8] = [a % (images + 1), b % (images + 1)];
        const limit = allowed / 10_000;
        const { passes } = accuracyGate({ fp32: fp32 / images, int8: int8 / images }, { max_accuracy_drop: limit });
        expect(passes).toBe((fp32 - int8) * 10_000 <= allowed * images);
      }),
    );
  });
});

it('reads back the detail of a verdict, and nothing else', () => {
  const detail = { rejected_by: 'speed', speedup: 0.7 } as const;
  expect(verdictDetail(JSON.parse(JSON.stringify(detail)))).toEqual(detail);
  expect([{}, null, { rejected_by: 'mood' }].map(verdictDetail)).toEqual([undefined, undefined, undefined]);
});
