import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  crowdingDistances,
  dominates,
  nonDominated,
  nonDominatedRanks,
  ParetoArchive,
  type Point,
} from '../../search/index.js';

/** Sets of points of 1 to 4 objectives; few values, so that ties and equal points are frequent. */
const points = fc
  .integer({ min: 1, max: 4 })
  .chain((d) => fc.array(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: d, maxLength: d }), { maxLength: 40 }));

/** Points as text: `1 2, 2 1`. */
const pointsOf = (text: string): Point[] => text.split(', ').map((point) => point.split(' ').map(Number));

const byDefinition = (all: readonly Point[]): number[] =>
  all.flatMap((point, i) => (all.some((other) => dominates(other, point)) ? [] : [i]));

/** Fronts by repeated removal of the non-dominated points. */
function ranksByPeeling(all: readonly Point[]): number[] {
  const ranks = all.map(() => -1);
  for (let rank = 0; ranks.includes(-1); rank++) {
    const left = [...all.keys()].filter((i) => ranks[i] === -1);
    for (const i of left) if (!left.some((j) => dominates(all[j], all[i]))) ranks[i] = -2 - rank;
    for (const i of left) if (ranks[i] === -2 - rank) ranks[i] = rank;
  }
  return ranks;
}

describe('dominates', () => {
  it('is nowhere worse and somewhere better', () => {
    expect(dominates([1, 2], [1, 3])).toBe(true);
    expect(dominates([1, 3], [1, 2])).toBe(false);
    expect(dominates([1, 2], [1, 2])).toBe(false);
    expect(dominates([0, 3], [1, 2])).toBe(false);
  });
});

describe('nonDominated', () => {
  it('is what the definition says, in any dimension', () => {
    fc.assert(
      fc.property(points, (all) => {
        expect(nonDominated(all)).toEqual(byDefinition(all));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps equal points', () => {
    expect(nonDominated(pointsOf('1 1, 0 2, 1 1, 1 2'))).toEqual([0, 1, 2]);
    expect(nonDominated([])).toEqual([]);
  });
});

describe('nonDominatedRanks', () => {
  it('is what peeling front after front gives', () => {
    fc.assert(
      fc.property(points, (all) => {
        expect(nonDominatedRanks(all)).toEqual(ranksByPeeling(all));
      }),
      { numRuns: 300 },
    );
  });
});

describe('crowdingDistances', () => {
  it('sums the relative gaps between neighbours, infinite at the ends', () => {
    const front = pointsOf('0 10, 1 6, 4 5, 10 0');
    expect(crowdingDistances(front)).toEqual([Infinity, 0.4 + 0.5, 0.9 + 0.6, Infinity]);
    expect(crowdingDistances(pointsOf('1 2, 2 1'))).toEqual([Infinity, Infinity]);
    expect(crowdingDistances([])).toEqual([]);
  });

  it('leaves out an objective in which all are equal', () => {
    expect(crowdingDistances(pointsOf('1 7, 2 7, 3 7'))).toEqual([Infinity, 1, Infinity]);
    expect(crowdingDistances(pointsOf('1 7, 1 7, 1 7'))).toEqual([0, 0, 0]);
  });

  it('does not depend on the scale of an objective', () => {
    fc.assert(
      fc.property(points, (all) => {
        const scaled = all.map((point) => point.map((value, k) => (k === 0 ? value * 1024 : value)));
        expect(crowdingDistances(scaled)).toEqual(crowdingDistances(all));
      }),
    );
  });
});

describe('ParetoArchive', () => {
  it('holds the non-dominated ones among all inserted points at any time', () => {
    fc.assert(
      fc.property(points, (all) => {
        const archive = new ParetoArchive<number>();
        all.forEach((point, i) => {
          const taken = archive.insert(i, point);
          const expected = byDefinition(all.slice(0, i + 1));
          expect(archive.items).toEqual(expected);
          expect(archive.points).toEqual(expected.map((j) => all[j]));
          expect(taken).toBe(expected.includes(i));
        });
      }),
    );
  });
});
