import { describe, expect, test } from 'vitest';
import { lengthWithin } from '../../../trainers/pretrained/within-time.js';

describe('the length of a training within some time', () => {
  const times = { step: 1, validation: 10 };

  test('is the wanted one where it fits, else as many epochs as do', () => {
    expect(lengthWithin(900, times, { steps: 50, epochs: 8 })).toEqual({ epochs: 8, epoch_share: 1 });
    expect(lengthWithin(300, times, { steps: 50, epochs: 8 })).toEqual({ epochs: 5, epoch_share: 1 });
    expect(lengthWithin(60, times, { steps: 50, epochs: 1 })).toEqual({ epochs: 1, epoch_share: 1 });
  });

  test('is two parts of an epoch where images are many, and none where time is too short', () => {
    expect(lengthWithin(220, times, { steps: 1000, epochs: 8 })).toEqual({ epochs: 2, epoch_share: 0.1 });
    expect(lengthWithin(25, times, { steps: 1000, epochs: 8 })).toBeNull();
    expect(lengthWithin(-5, times, { steps: 10, epochs: 8 })).toBeNull();
  });

  test.each([1, 7, 40, 300])('ends in time with %i steps an epoch', (steps) => {
    for (let seconds = 1; seconds < 2000; seconds += 13) {
      const length = lengthWithin(seconds, times, { steps, epochs: 8 });
      if (length === null) continue;
      const { epochs, epoch_share: share } = length;
      expect(epochs * (share * steps * times.step + times.validation)).toBeLessThanOrEqual(seconds + 1e-9);
    }
  });
});
