import { describe, expect, it } from 'vitest';
import type { EpochChange } from '../../../experiments/page/api.js';
import { LiveCurves } from '../../../ui/data/curves.js';

const epochOf = (trial: number, epoch: number, validationAccuracy = 0.5): EpochChange => ({
  training: { stage: 'search', trial },
  epoch,
  trainLoss: 1,
  validationAccuracy,
});

describe('LiveCurves', () => {
  it('replaces what another attempt trains again', () => {
    const curves = new LiveCurves();
    curves.take([epochOf(1, 0), epochOf(1, 1), epochOf(1, 2)]);
    curves.take([epochOf(1, 1, 0.7)]);
    expect(curves.of({ stage: 'search', trial: 1 })).toEqual([
      { epoch: 0, trainLoss: 1, validationAccuracy: 0.5 },
      { epoch: 1, trainLoss: 1, validationAccuracy: 0.7 },
    ]);
    expect(curves.of({ stage: 'final', trial: 1 })).toEqual([]);
  });

  it('keeps the trainings that got on last, and tells of changes only', () => {
    const curves = new LiveCurves();
    for (let trial = 0; trial < 200; trial++) curves.take([epochOf(trial, 0)]);
    curves.take([epochOf(0, 1)]);
    curves.take([epochOf(200, 0)]);
    const before = curves.version.value;
    curves.take([]);
    expect(curves.version.value).toBe(before);
    expect(curves.of({ stage: 'search', trial: 0 })).toHaveLength(2);
    expect(curves.of({ stage: 'search', trial: 1 })).toEqual([]);
    expect(curves.of({ stage: 'search', trial: 200 })).toHaveLength(1);
  });
});
