import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import {
  crossover,
  enumerate,
  existing,
  genotypeId,
  mutate,
  neighbours,
  sampleGenotype,
  spaceSize,
  tableSpace,
  type DecisionSpace,
  type Genotype,
} from '../../spaces/index.js';

const decisions = ['a', 'b', 'c', 'd'].map((name) => ({ name, choices: [0, 1, 2, 3] }));

const distance = (a: Genotype, b: Genotype): number => a.filter((index, i) => index !== b[i]).length;

/** A space of some of 4^4 combinations, and one combination that need not be among them. */
const sparse = fc
  .tuple(
    fc.uniqueArray(fc.tuple(...decisions.map(() => fc.nat(3))), { minLength: 2, maxLength: 120, selector: genotypeId }),
    fc.tuple(...decisions.map(() => fc.nat(3))),
    fc.nat(1000),
  )
  .map(([rows, any, seed]) => ({
    rows,
    any,
    space: tableSpace('sparse', decisions, rows),
    ids: new Set(rows.map(genotypeId)),
    random: new Random(seed, 'members'),
  }));

describe('of a space with members', () => {
  it('every operator gives members only', () => {
    fc.assert(
      fc.property(sparse, ({ rows: [first, second], any, space, ids, random }) => {
        const made = [
          sampleGenotype(space, random),
          mutate(space, first, random),
          mutate(space, any, random),
          crossover(space, first, second, random),
          existing(space, any, random),
          ...neighbours(space, first),
        ];
        for (const genotype of made) expect(ids.has(genotypeId(genotype))).toBe(true);
        expect(genotypeId(mutate(space, first, random))).not.toBe(genotypeId(first));
      }),
    );
  });

  it('neighbours are the nearest members, whole distances at a time', () => {
    fc.assert(
      fc.property(sparse, ({ rows, any, space }) => {
        const near = neighbours(space, any).map((other) => distance(any, other));
        expect(near).toEqual(near.toSorted((a, b) => a - b));
        const farthest = near.at(-1) ?? 0;
        const others = rows.filter((row) => distance(row, any) > 0);
        expect(near.length).toBe(others.filter((row) => distance(row, any) <= farthest).length);
        // Enough of them, and no farther ones than that takes.
        const closer = others.filter((row) => distance(row, any) < farthest).length;
        expect(near.length >= Math.min(8, others.length) && closer < 8).toBe(true);
      }),
    );
  });

  it('a combination that does not exist stands for one of the nearest that do', () => {
    fc.assert(
      fc.property(sparse, ({ rows, any, space, random }) => {
        const least = Math.min(...rows.map((row) => distance(row, any)));
        expect(distance(existing(space, any, random), any)).toBe(least);
      }),
    );
  });

  it('the members are listed in lexicographic order, and counted', () => {
    fc.assert(
      fc.property(sparse, ({ rows, space }) => {
        const listed = [...enumerate(space)].map(genotypeId);
        expect(listed).toEqual(rows.map(genotypeId).sort());
        expect(spaceSize(space)).toBe(BigInt(rows.length));
      }),
    );
  });
});

it('a table with every combination is an ordinary space', () => {
  const full: DecisionSpace = tableSpace('full', decisions, [...enumerate(tableSpace('all', decisions))]);
  expect(full.members).toBeUndefined();
  expect(spaceSize(full)).toBe(256n);
});
