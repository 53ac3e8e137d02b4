import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hypervolume, hypervolumeImprovement, nonDominated, type Point } from '../../search/index.js';

const side = 5;
const pointsOf = (d: number) =>
  fc.array(fc.array(fc.integer({ min: -1, max: side + 1 }), { minLength: d, maxLength: d }), { maxLength: 12 });
const points = fc.integer({ min: 1, max: 4 }).chain((d) => pointsOf(d).map((all) => ({ d, all })));

/** At least one point. */
const someOf = (d: number) =>
  fc.array(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: d, maxLength: d }), { minLength: 1, maxLength: 8 });

/** How many unit cells between -1 and the reference some point dominates. */
function countCells(all: readonly Point[], d: number): number {
  let count = 0;
  for (let code = 0; code < (side + 1) ** d; code++) {
    const corner = Array.from({ length: d }, (_, i) => (Math.floor(code / (side + 1) ** i) % (side + 1)) - 1);
    if (all.some((point) => point.every((value, i) => value <= corner[i]))) count++;
  }
  return count;
}

describe('hypervolume', () => {
  it('is the number of dominated unit cells', () => {
    fc.assert(
      fc.property(points, ({ d, all }) => {
        expect(hypervolume(all, Array<number>(d).fill(side))).toBeCloseTo(countCells(all, d), 9);
      }),
      { numRuns: 100 },
    );
  });

  it('is exact for a known frontier', () => {
    expect(
      hypervolume(
        [
          [1, 3],
          [2, 2],
          [3, 1],
        ],
        [4, 4],
      ),
    ).toBe(6);
    expect(hypervolume([[1, 1, 1]], [3, 4, 5])).toBe(24);
    expect(hypervolume([], [1, 1])).toBe(0);
    expect(
      hypervolume(
        [
          [5, 0],
          [4, 0],
        ],
        [4, 4],
      ),
    ).toBe(0);
  });

  it('ignores dominated and repeated points, and never falls with another point', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 0, max: 11 }), ({ d, all }, length) => {
        const reference = Array<number>(d).fill(side);
        const front = nonDominated(all).map((i) => all[i]);
        expect(hypervolume([...all, ...all], reference)).toBeCloseTo(hypervolume(front, reference), 9);
        expect(hypervolume(all.slice(0, length), reference)).toBeLessThanOrEqual(hypervolume(all, reference) + 1e-9);
      }),
    );
  });
});

describe.each([1, 2, 3, 4])('with %i objectives', (objectives) => {
  const reference = Array.from({ length: objectives }, () => 5);

  it('the improvement is the difference of the volumes with and without a point', () => {
    fc.assert(
      fc.property(someOf(objectives), ([point, ...others]) => {
        const difference = hypervolume([...others, point], reference) - hypervolume(others, reference);
        expect(hypervolumeImprovement(point, others, reference)).toBeCloseTo(difference, 9);
      }),
    );
  });
});
