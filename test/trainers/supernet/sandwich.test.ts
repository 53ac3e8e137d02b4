import { beforeAll, describe, expect, test } from 'vitest';
import { costs, extremes, genotypeId, spaceSchema, type Space } from '../../../spaces/index.js';
import { createSandwich } from '../../../trainers/supernet/sandwich.js';
import { makeSpace, singleSpace } from './spaces.js';

let space: Space;
beforeAll(async () => {
  space = await makeSpace(spaceSchema.parse({ type: 'mobilenet', preset: 'small' }), {
    input: [32, 32, 3],
    classes: 10,
  });
});

const uniform = { networks: 2, hold: 4, sampling: 'uniform' } as const;

describe('a sandwich', () => {
  test('has the largest and the smallest network in every step, the largest first', () => {
    const { smallest, largest } = extremes(space);
    const sandwich = createSandwich(space, uniform, 1);
    expect(sandwich.largest.genotype).toEqual(largest.genotype);
    for (const step of [0, 1, 100])
      expect(
        sandwich
          .at(step)
          .slice(0, 2)
          .map(({ role, id }) => [role, id]),
      ).toEqual([
        ['largest', genotypeId(largest.genotype)],
        ['smallest', genotypeId(smallest.genotype)],
      ]);
  });

  test('holds random networks for several steps and replaces them at different steps', () => {
    const sandwich = createSandwich(space, uniform, 1);
    const ids = Array.from({ length: 17 }, (_, step) => sandwich.at(step).map(({ id }) => id));
    const changes = (place: number): number[] =>
      ids.flatMap((own, step) => (step > 0 && own[place] !== ids[step - 1][place] ? [step] : []));
    expect(changes(2)).toEqual([4, 8, 12, 16]);
    expect(changes(3)).toEqual([2, 6, 10, 14]);
  });

  test('depends only on seed and step', () => {
    const at = (seed: number, step: number, before: readonly number[] = []): string[] => {
      const sandwich = createSandwich(space, uniform, seed);
      for (const other of before) sandwich.at(other);
      return sandwich.at(step).map(({ id }) => id);
    };
    expect(at(1, 9, [0, 1, 2, 30])).toEqual(at(1, 9));
    expect(at(2, 9)).not.toEqual(at(1, 9));
  });

  test('of a space of one network is that network', async () => {
    const sandwich = createSandwich(await makeSpace(singleSpace), { ...uniform, networks: 0 }, 1);
    expect(sandwich.at(5).map(({ role }) => role)).toEqual(['largest']);
  });

  test('spreads networks over the logarithm of MACs with sampling macs', () => {
    /** Shares of 300 networks in thirds of the space, by the logarithm of MACs. */
    const thirds = (sampling: 'uniform' | 'macs'): number[] => {
      const { smallest, largest } = extremes(space);
      const [least, most] = [smallest, largest].map((end) => Math.log(end.costs.macs));
      const sandwich = createSandwich(space, { networks: 1, hold: 1, sampling }, 1);
      const counts = [0, 0, 0];
      for (let step = 0; step < 300; step++) {
        const { network } = sandwich.at(step)[2].member;
        const place = (Math.log(costs(network).macs) - least) / (most - least);
        counts[Math.min(2, Math.floor(place * 3))] += 1 / 300;
      }
      return counts;
    };
    expect(Math.min(...thirds('uniform'))).toBeLessThan(0.2);
    expect(Math.min(...thirds('macs'))).toBeGreaterThan(0.25);
  });
});
