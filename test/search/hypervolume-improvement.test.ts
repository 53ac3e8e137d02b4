import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hypervolume, hypervolumeContributions, hypervolumeImprovement } from '../../search/index.js';

const pointsOf = (objectives: number) =>
  fc.array(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: objectives, maxLength: objectives }), {
    minLength: 1,
    maxLength: 8,
  });

describe.each([1, 2, 3, 4])('with %i objectives', (objectives) => {
  const reference = Array.from({ length: objectives }, () => 5);

  it('what a point adds is the difference of the volumes with and without it', () => {
    fc.assert(
      fc.property(pointsOf(objectives), ([point, ...others]) => {
        const difference = hypervolume([...others, point], reference) - hypervolume(others, reference);
        expect(hypervolumeImprovement(point, others, reference)).toBeCloseTo(difference, 9);
      }),
    );
  });

  it('what a point contributes is what is lost without it', () => {
    fc.assert(
      fc.property(pointsOf(objectives), (points) => {
        const whole = hypervolume(points, reference);
        for (const [i, contribution] of hypervolumeContributions(points, reference).entries())
          expect(contribution).toBeCloseTo(whole - hypervolume(points.toSpliced(i, 1), reference), 9);
      }),
    );
  });
});
