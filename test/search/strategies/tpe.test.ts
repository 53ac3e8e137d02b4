import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { ParzenEstimator, split } from '../../../search/strategies/tpe.js';
import { relevantDecisions } from '../../../search/strategies/strategy.js';
import type { Member } from '../../../search/strategies/population.js';
import { enumerate, genotypeId, tableSpace, type Genotype } from '../../../spaces/index.js';
import { canonicalSpace } from '../support.js';

const space = tableSpace('mixed', [
  { name: 'op', choices: ['a', 'b', 'c', 'd'] },
  { name: 'width', choices: [8, 16, 24, 32] },
]);
const observation = (genotype: Genotype, relevant = [true, true]) => ({ genotype, relevant });

describe('the Parzen estimator', () => {
  const estimator = new ParzenEstimator(space, [observation([1, 0]), observation([2, 3])], [1, 0.25]);
  const density = (genotype: Genotype): number => Math.exp(estimator.logDensity(genotype));

  it('sums to 1 over all genotypes', () => {
    expect([...enumerate(space)].reduce((sum, genotype) => sum + density(genotype), 0)).toBeCloseTo(1, 12);
  });

  it('is greatest at observations, and follows the weights', () => {
    const all = [...enumerate(space)].sort((a, b) => density(b) - density(a));
    expect(all[0]).toEqual([1, 0]);
    expect(density([2, 3])).toBeGreaterThan(density([2, 1]));
  });

  it('falls off with the distance between numbers only', () => {
    expect(density([1, 1])).toBeGreaterThan(density([1, 2]));
    const alone = new ParzenEstimator(space, [observation([1, 0])], [1]);
    expect(alone.logDensity([0, 0])).toBeCloseTo(alone.logDensity([3, 0]), 12);
  });

  it('is uniform over irrelevant decisions', () => {
    const half = new ParzenEstimator(space, [observation([1, 0], [true, false])], [1]);
    expect(half.logDensity([1, 0])).toBeCloseTo(half.logDensity([1, 3]), 12);
  });

  it('samples genotypes by their probability', () => {
    const random = new Random(3, 'draws');
    const counts = new Map<string, number>();
    const draws = 20_000;
    for (let i = 0; i < draws; i++) {
      const id = genotypeId(estimator.sample(random));
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const genotype of enumerate(space)) {
      const [expected, found] = [density(genotype), (counts.get(genotypeId(genotype)) ?? 0) / draws];
      // Five standard deviations.
      expect(Math.abs(found - expected)).toBeLessThan(5 * Math.sqrt(expected / draws));
    }
  });
});

describe('the split into good and other trials', () => {
  const member = (number: number, point: readonly number[], violation = 0): Member => ({
    trial: { number, genotype: [number], state: 'complete', values: {} },
    violation,
    point,
  });

  it('takes whole fronts, then a subset of the next by hypervolume', () => {
    const members = [
      member(0, [0, 10]),
      member(1, [5, 5]),
      member(2, [10, 0]),
      member(3, [5, 6]),
      member(4, [1, 11]),
      member(5, [11, 1]),
    ];
    const { good, others, weights } = split(members, 4);
    expect(good.map(({ trial }) => trial.number)).toEqual([0, 1, 2, 3]);
    expect(others.map(({ trial }) => trial.number)).toEqual([4, 5]);
    expect(Math.max(...weights)).toBe(1);
    // Dominated by another good one: it counts little, but it counts.
    expect(weights[3]).toBeGreaterThan(0);
    expect(weights[3]).toBeLessThan(0.01);
  });

  it('spreads its choice over a front', () => {
    const front = Array.from({ length: 21 }, (_, i) => member(i, [i, 20 - i]));
    const { good } = split(front, 3);
    const numbers = good.map(({ trial }) => trial.number);
    expect(numbers).toHaveLength(3);
    expect(numbers[0]).toBeLessThan(8);
    expect(numbers[2]).toBeGreaterThan(12);
  });

  it('never counts a broken constraint as good', () => {
    const { good, others } = split([member(0, [], 1), member(1, [3, 3]), member(2, [], 0.1)], 2);
    expect(good.map(({ trial }) => trial.number)).toEqual([1]);
    expect(others.map(({ trial }) => trial.number)).toEqual([0, 2]);
    expect(split([member(0, [], 1)], 1).good).toEqual([]);
  });
});

describe('relevant decisions', () => {
  it('are those whose choices change the network', () => {
    expect(relevantDecisions(canonicalSpace, [0, 2, 0, 0])).toEqual([true, true, false, false]);
    expect(relevantDecisions(canonicalSpace, [2, 0, 0, 0])).toEqual([true, true, true, true]);
  });
});
