import { describe, expect, it } from 'vitest';
import type { EpochChange } from '../../../reports/page/api.js';
import { joinedCurve, LiveCurves, trainingText } from '../../../ui/data/curves.js';

const point = (epoch: number, validationAccuracy = 0.5) => ({
  epoch,
  trainLoss: 1,
  trainAccuracy: 0.6,
  validationLoss: 1,
  validationAccuracy,
});
const epochOf = (trial: number, epoch: number, accuracy?: number): EpochChange => ({
  training: { stage: 'search', trial },
  ...point(epoch, accuracy),
});

describe('curves', () => {
  it('have names', () => {
    expect(trainingText({ stage: 'search', trial: 4 })).toBe('trial 4');
    expect(trainingText({ stage: 'supernet' })).toBe('the supernet');
  });

  it('are joined by epoch; later points win', () => {
    expect(joinedCurve([point(1, 0.2), point(0, 0.1)], [point(2, 0.4), point(1, 0.3)])).toEqual([
      point(0, 0.1),
      point(1, 0.3),
      point(2, 0.4),
    ]);
  });
});

describe('LiveCurves', () => {
  it('replaces epochs that a retry trains again', () => {
    const curves = new LiveCurves();
    curves.add([epochOf(1, 0), epochOf(1, 1), epochOf(1, 2)]);
    curves.add([epochOf(1, 1, 0.7)]);
    expect(curves.of({ stage: 'search', trial: 1 })).toEqual([point(0), point(1, 0.7)]);
    expect(curves.of({ stage: 'final', trial: 1 })).toEqual([]);
  });

  it('keeps the most recently changed trainings, and counts only changes', () => {
    const curves = new LiveCurves();
    for (let trial = 0; trial < 200; trial++) curves.add([epochOf(trial, 0)]);
    curves.add([epochOf(0, 1)]);
    curves.add([epochOf(200, 0)]);
    const before = curves.version.value;
    curves.add([]);
    expect(curves.version.value).toBe(before);
    expect(curves.of({ stage: 'search', trial: 0 })).toHaveLength(2);
    expect(curves.of({ stage: 'search', trial: 1 })).toEqual([]);
    expect(curves.of({ stage: 'search', trial: 200 })).toHaveLength(1);
  });
});
