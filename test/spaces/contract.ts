import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import {
  costs,
  crossover,
  enumerate,
  extremes,
  genotypeId,
  layersOf,
  mutate,
  neighbours,
  outputShape,
  sampleGenotype,
  sameGenotype,
  spaceSize,
  type DecisionSpace,
  type Genotype,
  type Space,
} from '../../spaces/index.js';

/** Spaces of up to this many combinations are listed completely. */
const listable = 3000n;

const combinations = ({ decisions }: DecisionSpace): bigint =>
  decisions.reduce((product, { choices }) => product * BigInt(choices.length), 1n);

const isMember = ({ decisions }: DecisionSpace, genotype: Genotype): boolean =>
  genotype.length === decisions.length &&
  genotype.every((index, i) => Number.isInteger(index) && index >= 0 && index < decisions[i].choices.length);

/** Any genotype, canonical or not. */
const genotypes = ({ decisions }: DecisionSpace): fc.Arbitrary<Genotype> =>
  fc.tuple(...decisions.map(({ choices }) => fc.nat(choices.length - 1)));

/** A genotype and one that differs in at most one decision: the pairs in which coincidences hide. */
const pairs = (space: DecisionSpace): fc.Arbitrary<readonly [Genotype, Genotype]> =>
  fc
    .tuple(genotypes(space), genotypes(space), fc.nat(Math.max(0, space.decisions.length - 1)))
    .map(([a, b, i]) => [a, a.length === 0 ? a : a.with(i, b[i])] as const);

/** What every decision space promises to controllers. */
export function describeDecisionSpace(name: string, make: () => DecisionSpace | Promise<DecisionSpace>): void {
  describe(`${name} as a space of decisions`, () => {
    let space: DecisionSpace;
    beforeAll(async () => {
      space = await make();
    });

    it('has decisions with different names, each with different choices', () => {
      expect(new Set(space.decisions.map((decision) => decision.name)).size).toBe(space.decisions.length);
      for (const { choices } of space.decisions) {
        expect(choices.length).toBeGreaterThan(0);
        expect(new Set(choices).size).toBe(choices.length);
      }
    });

    it('has canonical genotypes that are members, stay as they are and are the smallest of their kind', () => {
      fc.assert(
        fc.property(genotypes(space), (genotype) => {
          const canonical = space.canonical(genotype);
          expect(isMember(space, canonical)).toBe(true);
          expect(space.canonical(canonical)).toEqual(canonical);
          const difference = canonical.findIndex((index, i) => index !== genotype[i]);
          if (difference >= 0) expect(canonical[difference]).toBeLessThan(genotype[difference]);
        }),
        { numRuns: 12 },
      );
    });

    it('counts exactly its canonical genotypes', () => {
      const size = spaceSize(space);
      expect(size).toBeGreaterThan(0n);
      expect(size).toBeLessThanOrEqual(combinations(space));
      if (combinations(space) <= listable) expect(size).toBe(BigInt([...enumerate(space)].length));
    });

    it('gives operators that repeat by seed and return canonical members', () => {
      fc.assert(
        fc.property(genotypes(space), genotypes(space), fc.nat(), (a, b, seed) => {
          const draw = (): Genotype[] => {
            const random = new Random(seed);
            return [sampleGenotype(space, random), mutate(space, a, random), crossover(space, a, b, random)];
          };
          const drawn = draw();
          expect(draw()).toEqual(drawn);
          for (const genotype of drawn) {
            expect(isMember(space, genotype)).toBe(true);
            expect(space.canonical(genotype)).toEqual(genotype);
          }
          if (spaceSize(space) > 1n) expect(drawn[1]).not.toEqual(space.canonical(a));
          expect(crossover(space, a, a, new Random(seed))).toEqual(space.canonical(a));
        }),
        { numRuns: 8 },
      );
    });

    it('has neighbours that are canonical, different and listed once', () => {
      fc.assert(
        fc.property(genotypes(space), (genotype) => {
          const around = neighbours(space, genotype);
          expect(new Set(around.map(genotypeId)).size).toBe(around.length);
          for (const other of around) {
            expect(space.canonical(other)).toEqual(other);
            expect(sameGenotype(other, space.canonical(genotype))).toBe(false);
          }
        }),
        { numRuns: 5 },
      );
    });
  });
}

/** What every space of networks promises. */
export function describeSpace(name: string, make: () => Space | Promise<Space>): void {
  describeDecisionSpace(name, make);

  describe(`${name} as a space of networks`, () => {
    let space: Space;
    beforeAll(async () => {
      space = await make();
    });
    const architecture = (genotype: Genotype): string => JSON.stringify(layersOf(space.build(genotype)));

    it('builds the same network from a genotype and its canonical form, as plain data', () => {
      fc.assert(
        fc.property(genotypes(space), (genotype) => {
          const network = space.build(genotype);
          expect(space.build(space.canonical(genotype))).toEqual(network);
          expect(JSON.parse(JSON.stringify(network))).toEqual(network);
        }),
        { numRuns: 12 },
      );
    });

    it('gives equal ids exactly to equal networks', () => {
      fc.assert(
        fc.property(pairs(space), ([a, b]) => {
          const sameId = genotypeId(space.canonical(a)) === genotypeId(space.canonical(b));
          expect(sameId).toBe(architecture(a) === architecture(b));
        }),
        { numRuns: 20 },
      );
      if (combinations(space) > listable) return;
      const all = [...enumerate(space)];
      expect(new Set(all.map(architecture)).size).toBe(all.length);
    });

    it('gives networks whose maps never vanish and that end in the logits', () => {
      fc.assert(
        fc.property(genotypes(space), (genotype) => {
          const network = space.build(genotype);
          const layers = layersOf(network);
          expect(new Set(layers.map((layer) => layer.name)).size).toBe(layers.length);
          expect(layers.at(-1)?.output).toEqual([1, 1, ...outputShape(network)].slice(-3));
          for (const { output } of layers) expect(Math.min(...output)).toBeGreaterThanOrEqual(1);
        }),
        { numRuns: 8 },
      );
    });

    it('has every network between its extremes', () => {
      const { smallest, largest } = extremes(space);
      for (const { genotype, network } of [smallest, largest]) {
        expect(space.canonical(genotype)).toEqual(genotype);
        expect(space.build(genotype)).toEqual(network);
      }
      fc.assert(
        fc.property(genotypes(space), (genotype) => {
          const { macs } = costs(space.build(genotype));
          expect(macs).toBeGreaterThanOrEqual(smallest.costs.macs);
          expect(macs).toBeLessThanOrEqual(largest.costs.macs);
        }),
        { numRuns: 8 },
      );
    });
  });
}
