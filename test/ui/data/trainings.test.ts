import { describe, expect, it } from 'vitest';
import { joinedCurve, trainingText } from '../../../ui/data/curves.js';

const point = (epoch: number, validationAccuracy: number) => ({ epoch, trainLoss: 1, validationAccuracy });

describe('trainings', () => {
  it('have names', () => {
    expect(trainingText({ stage: 'search', trial: 4 })).toBe('trial 4');
    expect(trainingText({ stage: 'supernet' })).toBe('the supernet');
    expect(trainingText({ stage: 'shrunk', shrunk: 2 })).toBe('shrunk network 2');
  });

  it('are joined in the order of epochs; what was told later counts', () => {
    expect(joinedCurve([point(1, 0.2), point(0, 0.1)], [point(2, 0.4), point(1, 0.3)])).toEqual([
      point(0, 0.1),
      point(1, 0.3),
      point(2, 0.4),
    ]);
  });
});
