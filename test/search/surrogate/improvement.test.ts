import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { hypervolume, nonDominated, type Point } from '../../../search/index.js';
import { type Belief, boxesOf, improvementOf } from '../../../search/surrogate/acquisition.js';
import { Warp } from '../../../search/surrogate/warp.js';

const fronts = fc.integer({ min: 1, max: 4 }).chain((d) =>
  fc.record({
    d: fc.constant(d),
    points: fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: d, maxLength: d }), { maxLength: 10 }),
    point: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: d, maxLength: d }),
  }),
);

const gain = (points: readonly Point[], point: Point, reference: Point): number =>
  hypervolume([...points, point], reference) - hypervolume(points, reference);

const known = (values: readonly number[]): Belief => ({ kind: 'known', values: Float64Array.from(values) });

describe('the improvement of hypervolume', () => {
  it('is the difference of hypervolumes when all objectives are known', () => {
    fc.assert(
      fc.property(fronts, ({ d, points, point }) => {
        const reference = Array<number>(d).fill(8);
        const front = nonDominated(points).map((i) => points[i]);
        const improvement = improvementOf(
          boxesOf(front, reference),
          point.map((value) => known([value])),
        );
        expect(improvement(0)).toBeCloseTo(gain(points, point, reference), 9);
      }),
      { numRuns: 300 },
    );
  });

  it.each([1, 2, 3])('is expected in closed form as by Monte Carlo, with %i objectives', (d) => {
    const random = new Random(d, 'improvement');
    const warp = Warp.of([1, 2, 2.5, 3, 5, 9]);
    const points: Point[] = Array.from({ length: 6 }, () => Array.from({ length: d }, () => 1 + 6 * random.uniform()));
    const front = nonDominated(points).map((i) => points[i]);
    const reference = Array<number>(d).fill(7);
    const moments = Array.from({ length: d }, () => ({ mean: -0.5 + random.normal() / 2, deviation: 0.8 }));
    // The last of several objectives is known.
    const beliefs = moments.map(({ mean, deviation }, k): Belief => {
      if (k > 0 && k === d - 1) return known([2.2]);
      return { kind: 'modelled', warp, mean: Float64Array.of(mean), variance: Float64Array.of(deviation ** 2) };
    });
    const closed = improvementOf(boxesOf(front, reference), beliefs)(0);
    const draws = 6000;
    let [sum, squares] = [0, 0];
    for (let i = 0; i < draws; i++) {
      const point = moments.map(({ mean, deviation }, k) =>
        k > 0 && k === d - 1 ? 2.2 : warp.invert(mean + deviation * random.normal()),
      );
      const value = gain(front, point, reference);
      sum += value;
      squares += value ** 2;
    }
    const error = Math.sqrt(squares / draws - (sum / draws) ** 2) / Math.sqrt(draws);
    expect(closed).toBeGreaterThan(0);
    expect(Math.abs(closed - sum / draws)).toBeLessThan(4 * error);
  });
});

describe('a warp', () => {
  it('standardises, keeps the order and is undone by its inverse', () => {
    const values = fc.array(fc.integer({ min: -500, max: 500 }), { minLength: 3, maxLength: 30 });
    fc.assert(
      fc.property(values, (all) => {
        const warp = Warp.of(all);
        const warped = all.map((value) => warp.apply(value));
        for (const [i, value] of all.entries()) expect(warp.invert(warped[i])).toBeCloseTo(value, 6);
        expect(warped.reduce((a, b) => a + b, 0) / all.length).toBeCloseTo(0, 6);
        const order = (list: readonly number[]) => [...list.keys()].sort((a, b) => list[a] - list[b] || a - b);
        if (new Set(all).size === all.length) expect(order(warped)).toEqual(order(all));
      }),
    );
  });

  it('takes values that are all the same, and one', () => {
    for (const values of [[3, 3, 3], [3], []]) expect(Number.isFinite(Warp.of(values).apply(3))).toBe(true);
  });
});
