import { describe, expect, it } from 'vitest';
import { mergedCurve } from '../../../ui/data/merged-curve.js';

const point = (epoch: number, validationAccuracy: number) => ({ epoch, trainLoss: 1, validationAccuracy });

describe('a curve with what came since', () => {
  it('has every epoch once, in order, the later word about one', () => {
    expect(mergedCurve([point(0, 0.5), point(1, 0.6)], [point(2, 0.8), point(1, 0.7)])).toEqual([
      point(0, 0.5),
      point(1, 0.7),
      point(2, 0.8),
    ]);
  });

  it('is the same when nothing came', () => {
    const known = [point(0, 0.5)];
    expect(mergedCurve(known, [])).toBe(known);
  });
});
