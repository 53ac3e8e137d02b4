import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  extremes,
  memberOf,
  sharedName,
  type spaceSchema,
  type Genotype,
  type Member,
  type Space,
  type Task,
} from '../../../spaces/index.js';
import { sharedSpecs, sliceOf, weightSpecs } from '../../../spaces/models/index.js';
import { makeSpace } from '../make.js';

type Config = z.input<typeof spaceSchema>;
export const task: Task = { input: [64, 64, 3], classes: 10 };

const genotypes = ({ decisions }: Space): fc.Arbitrary<Genotype> =>
  fc.tuple(...decisions.map(({ choices }) => fc.nat(choices.length - 1)));

const sharedShapes = (member: Member): (readonly [string, readonly number[]])[] =>
  weightSpecs(member.network)
    .filter(({ trainable }) => trainable)
    .map(({ name, shape }) => [sharedName(member, name), shape]);

/** The contract of weights that the members of a space share. */
export function describeSharedWeights(name: string, config: Config, of = task): void {
  describe(`weights that members of ${name} share`, () => {
    it('have places and names that differ within a network', async () => {
      const space = await makeSpace(config, of);
      fc.assert(
        fc.property(genotypes(space), (genotype) => {
          const member = memberOf(space, genotype);
          expect(member.places.length).toBe(member.network.blocks.length);
          expect(new Set(member.places).size).toBe(member.places.length);
          const names = sharedShapes(member).map(([name]) => name);
          expect(new Set(names).size).toBe(names.length);
          expect(names.filter((name) => name.startsWith('block'))).toEqual([]);
        }),
        { numRuns: 30 },
      );
    });

    it('are known in a shape that has a part for every member', async () => {
      const space = await makeSpace(config, of);
      const shared = new Map(sharedSpecs(space).map(({ name, shape }) => [name, shape]));
      const { smallest, largest } = extremes(space);
      const check = (genotype: Genotype): void => {
        const wider = sharedShapes(memberOf(space, genotype)).filter(([name, shape]) => {
          const whole = shared.get(name) ?? [];
          const begin = sliceOf(whole, shape);
          return shape.some((size, axis) => !(begin[axis] + size <= whole[axis]));
        });
        expect(wider).toEqual([]);
      };
      for (const { genotype } of [smallest, largest]) check(genotype);
      fc.assert(fc.property(genotypes(space), check), { numRuns: 40 });
    });
  });
}
