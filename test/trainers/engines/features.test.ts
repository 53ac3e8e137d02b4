import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { toModel } from '../../../spaces/models/index.js';
import { featureTaps, pairFeatures } from '../../../trainers/engines/features.js';
import { tinyStudent, tinyTeacher } from '../support/networks.js';

describe('feature taps', () => {
  test('are the last maps of each resolution, without single pixels', () => {
    const taps = featureTaps(toModel(tinyStudent(), { seed: 1 }));
    expect([...taps].map(([resolution, { shape }]) => [resolution, shape[3]])).toEqual([
      // The expansion of the strided block is the last map before its stride; then the head's convolution.
      ['5x5', 8],
      ['3x3', 8],
    ]);
  });

  test('pair what student and teacher share', () => {
    const features = pairFeatures(toModel(tinyStudent(), { seed: 1 }), toModel(tinyTeacher(), { seed: 1 }));
    expect(features.resolutions).toEqual(['5x5', '3x3']);
    expect(features.channels).toEqual([
      [8, 6],
      [8, 8],
    ]);
  });

  test('that share nothing are an error with both lists', () => {
    const student = toModel(tinyStudent(), { seed: 1 });
    expect(() => pairFeatures(student, toModel(tinyTeacher({ size: 16 }), { seed: 1 }))).toThrow(
      /student has 5x5, 3x3 and the teacher 8x8, 4x4/,
    );
  });
});
