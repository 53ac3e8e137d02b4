import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { hypervolume, nonDominated, type Point } from '../../../search/index.js';
import { type Belief, boxesOf, improvementOf } from '../../../search/surrogate/acquisition.js';
import { cumulative, interpolated, logBetween, Warp } from '../../../search/surrogate/warp.js';

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

describe('the normal distribution', () => {
  it('has the values of the tables', () => {
    const table = [
      [0, 0.5],
      [1, 0.841344746068543],
      [-1.96, 0.024997895148220435],
      [3, 0.9986501019683699],
      [-6, 9.865876450376946e-10],
      [-8, 6.22096057427174e-16],
    ];
    for (const [x, p] of table) expect(Math.abs(cumulative(x) / p - 1)).toBeLessThan(1e-7);
  });

  it('is interpolated to ten digits', () => {
    for (let x = -9; x < 9; x += 0.0137) expect(Math.abs(interpolated(x) - cumulative(x))).toBeLessThan(1e-10);
    expect(Math.abs(interpolated(-5) / cumulative(-5) - 1)).toBeLessThan(1e-6);
  });
});

describe('the logarithm of a probability', () => {
  const end = fc.double({ min: -30, max: 30, noNaN: true });
  it('is that of the difference of distribution functions, where these are exact', () => {
    fc.assert(
      fc.property(end, fc.double({ min: 0.01, max: 10, noNaN: true }), (low, width) => {
        const [a, b] = low > 0 ? [-low - width, -low] : [low, low + width];
        const probability = cumulative(b) - cumulative(a);
        fc.pre(probability > 1e-8 * cumulative(b));
        expect(logBetween(low, low + width)).toBeCloseTo(Math.log(probability), 5);
      }),
    );
  });

  it('falls without an end, from either side', () => {
    // -z²/2 - log(z √(2π)), up to 1/z².
    for (const z of [36.9, 37.1, 1e3, 1e6]) {
      const expected = -0.5 * z * z - Math.log(z * Math.sqrt(2 * Math.PI));
      expect(logBetween(-Infinity, -z) / expected).toBeCloseTo(1, 5);
      expect(logBetween(z, Infinity)).toBe(logBetween(-Infinity, -z));
    }
    expect(logBetween(-Infinity, Infinity)).toBe(0);
    expect(logBetween(-1e3, -1e3 + 1e-9)).toBeLessThan(-4e5);
  });
});
