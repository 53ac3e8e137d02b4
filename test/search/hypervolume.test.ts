import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { hypervolume, nonDominated, type Point } from '../../search/index.js';

const side = 5;
const pointsOf = (d: number) =>
  fc.array(fc.array(fc.integer({ min: -1, max: side + 1 }), { minLength: d, maxLength: d }), { maxLength: 12 });
const points = fc.integer({ min: 1, max: 4 }).chain((d) => pointsOf(d).map((all) => ({ d, all })));

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
  it('is the volume of all cells that a point dominates, counted one by one', () => {
    fc.assert(
      fc.property(points, ({ d, all }) => {
        expect(hypervolume(all, Array<number>(d).fill(side))).toBeCloseTo(countCells(all, d), 9);
      }),
      { numRuns: 300 },
    );
  });

  it('is that of a known frontier', () => {
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

  it('counts dominated and repeated points nothing, and never falls with another point', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 0, max: 11 }), ({ d, all }, length) => {
        const reference = Array<number>(d).fill(side);
        const front = nonDominated(all).map((i) => all[i]);
        expect(hypervolume([...all, ...all], reference)).toBeCloseTo(hypervolume(front, reference), 9);
        expect(hypervolume(all.slice(0, length), reference)).toBeLessThanOrEqual(hypervolume(all, reference) + 1e-9);
      }),
    );
  });

  it('takes a hundred thousand points of two objectives, and a large frontier of three', () => {
    const random = new Random(1, 'hypervolume');
    const draw = (count: number, d: number): Point[] =>
      Array.from({ length: count }, () => {
        const direction = Array.from({ length: d }, () => Math.abs(random.normal()));
        const length = Math.hypot(...direction);
        return direction.map((value) => 1 - value / length);
      });
    const start = performance.now();
    // The part of the unit square (cube) within reach of the quarter circle (eighth of a sphere) around the reference.
    expect(hypervolume(draw(100_000, 2), [1, 1])).toBeCloseTo(Math.PI / 4, 3);
    expect(hypervolume(draw(1000, 3), [1, 1, 1])).toBeGreaterThan(0.48);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
