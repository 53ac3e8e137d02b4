import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Objective, type TrialResult, violated } from '../../../search/index.js';
import { violation } from '../../../search/objective.js';
import { compareCrowded, crowdedRanks, toMember, type Member } from '../../../search/strategies/population.js';

const objectives: readonly Objective[] = [
  { name: 'error', direction: 'minimize', cost: 'expensive' },
  { name: 'ms', direction: 'minimize', cost: 'cheap', constraint: { max: 4 } },
  { name: 'size', direction: 'minimize', cost: 'cheap', constraint: { min: -1, max: 0 } },
];
const trial = (
  number: number,
  error: number,
  ms: number,
  state: TrialResult['state'] = 'complete',
  size = 0,
): TrialResult => ({
  number,
  genotype: [number],
  state,
  values: { error, ms, size },
});
const members = (...trials: readonly TrialResult[]): Member[] =>
  trials.flatMap((trial) => toMember(objectives, trial) ?? []);

describe('violation', () => {
  it('is zero exactly when no constraint is violated', () => {
    const value = fc.oneof(fc.double(), fc.constantFrom(4, 0, -1, 4 + Number.EPSILON * 4));
    fc.assert(
      fc.property(value, value, (ms, size) => {
        expect(violation(objectives, { ms, size }) === 0).toBe(violated(objectives, { ms, size }).length === 0);
      }),
    );
  });

  it('adds up the relative excesses', () => {
    expect(violation(objectives, { ms: 6, size: 2 })).toBe(0.5 + 2);
    expect(violation(objectives, { ms: 4, size: -3 })).toBe(2);
    expect(violation(objectives, {})).toBe(0);
  });
});

describe('crowdedRanks', () => {
  it('rank members that keep the constraints first, then the others by violation', () => {
    const all = members(
      trial(0, 1, 9),
      trial(1, 5, 1),
      trial(2, 1, 3),
      trial(3, 6, 2),
      trial(4, 0, 5, 'pruned'),
      trial(5, 0, 9),
      trial(6, 3, 2),
    );
    const ranked = crowdedRanks(all);
    expect(ranked.map(({ rank }) => rank)).toEqual([3, 0, 0, 1, 2, 3, 0]);
    expect(ranked[1].crowding).toBe(Infinity);
    expect(ranked[6].crowding).toBe(2);
    const order = [...all.keys()].sort((i, j) => compareCrowded(ranked[i], ranked[j]) || i - j);
    expect(order).toEqual([1, 2, 6, 3, 4, 0, 5]);
  });

  it('leave out trials without a result', () => {
    const early: TrialResult = { number: 1, genotype: [0], state: 'pruned', values: { ms: 1 } };
    expect(members(trial(0, 1, 1, 'failed'), early, trial(2, NaN, 1))).toEqual([]);
    expect(members({ ...early, values: { ms: 5 } })).toMatchObject([{ violation: 0.25 }]);
  });
});
