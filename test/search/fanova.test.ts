import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mean } from '../../base/statistics.js';
import { Random } from '../../base/random.js';
import { decompose, functionalAnova, growTree, type Observations } from '../../search/fanova.js';
import { products } from '../../spaces/genotype.js';

type Value = (choices: readonly number[], random: Random) => number;

/** So many networks drawn from a space of these extents, with their values. */
function observed(sizes: readonly number[], rows: number, value: Value, random: Random): Observations {
  const genotypes = Array.from({ length: rows }, () => sizes.map((size) => random.int(size)));
  return {
    sizes,
    choices: sizes.map((_, decision) => Uint16Array.from(genotypes, (genotype) => genotype[decision])),
    values: Float64Array.from(genotypes, (genotype) => value(genotype, random)),
  };
}

const variance = (values: readonly number[]): number => mean(values.map((value) => (value - mean(values)) ** 2));

/** The variance of the means over each decision's choices, by looking at every network of the space. */
function enumerated(sizes: readonly number[], value: (choices: readonly number[]) => number) {
  const all = [...products(sizes)].map((genotype) => ({ genotype, value: value(genotype) }));
  const alone = sizes.map((size, decision) =>
    variance(
      Array.from({ length: size }, (_, choice) =>
        mean(all.flatMap(({ genotype, value }) => (genotype[decision] === choice ? [value] : []))),
      ),
    ),
  );
  const values = all.map(({ value }) => value);
  return { mean: mean(values), variance: variance(values), alone };
}

describe('the variance of a tree', () => {
  it('is decomposed as by enumeration', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 60 }),
        fc.nat(),
        (sizes, rows, seed) => {
          const random = new Random(seed, 'tree');
          const observations = observed(sizes, rows, (genotype) => random.normal() + 3 * genotype[0], random);
          const tree = growTree(
            observations,
            Int32Array.from({ length: rows }, (_, row) => row),
            random,
          );
          const exact = enumerated(sizes, (genotype) => tree.predict((decision) => genotype[decision]));
          const found = decompose(tree, sizes);
          expect(found.mean).toBeCloseTo(exact.mean, 9);
          expect(found.variance).toBeCloseTo(exact.variance, 9);
          found.alone.forEach((own, i) => expect(own).toBeCloseTo(exact.alone[i], 9));
          // No decisions together explain less than nothing.
          expect(found.alone.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(found.variance + 1e-9);
        },
      ),
      { numRuns: 25, seed: 1 },
    );
  });
});

describe('the importance of decisions', () => {
  it('recovers the effects of an additive function', () => {
    const sizes = [4, 4, 3, 2, 5];
    const value = ([a, b, c]: readonly number[]): number => 2 * a + b + (c === 1 ? 1 : 0);
    const { shares, fit } = functionalAnova(observed(sizes, 600, value, new Random(1)), new Random(2));
    const exact = enumerated(sizes, value);
    exact.alone.forEach((own, i) => expect(shares[i]).toBeCloseTo(own / exact.variance, 1));
    expect(fit).toBeGreaterThan(0.95);
  });

  it('is found for unordered choices', () => {
    const effects = [0, 5, 1, 4, 2, 3];
    const value = ([a]: readonly number[]): number => effects[a];
    const { shares } = functionalAnova(observed([6, 6], 400, value, new Random(3)), new Random(4));
    expect(shares[0]).toBeGreaterThan(0.95);
    expect(shares[1]).toBeLessThan(0.01);
  });

  it('is 0 for a pure interaction, and noise has no fit', () => {
    const exclusive = ([a, b]: readonly number[]): number => (a + b) % 2;
    const { shares, fit } = functionalAnova(observed([2, 2, 2], 500, exclusive, new Random(5)), new Random(6));
    expect(fit).toBeGreaterThan(0.9);
    shares.forEach((share) => expect(share).toBeLessThan(0.05));
    const noise = functionalAnova(
      observed([3, 3, 3, 3], 500, (_, random) => random.normal(), new Random(7)),
      new Random(8),
    );
    expect(noise.fit).toBeLessThan(0.1);
  });

  it('is 0 for constants and for decisions without an effect', () => {
    const constant = functionalAnova(
      observed([3, 1, 2], 100, () => 7, new Random(9)),
      new Random(1),
    );
    expect(constant).toEqual({ shares: [0, 0, 0], fit: 0 });
    // The second decision matters only with the first one's last choice.
    const conditional = ([depth, kernel]: readonly number[]): number => depth + (depth === 3 ? kernel : 0);
    const sizes = [4, 3, 1];
    const { shares } = functionalAnova(observed(sizes, 800, conditional, new Random(10)), new Random(11));
    const exact = enumerated(sizes, conditional);
    exact.alone.forEach((own, i) => expect(shares[i]).toBeCloseTo(own / exact.variance, 1));
    expect(shares[2]).toBe(0);
  });

  it('is reproducible', () => {
    const observations = observed([2, 3, 4, 5], 200, ([a, , c]) => a + c / 3, new Random(12));
    expect(functionalAnova(observations, new Random(14))).toEqual(functionalAnova(observations, new Random(14)));
  });

  it('is 0 without observations', () => {
    expect(
      functionalAnova(
        observed([2, 3], 0, () => 0, new Random(1)),
        new Random(1),
      ),
    ).toEqual({
      shares: [0, 0],
      fit: 0,
    });
  });
});
