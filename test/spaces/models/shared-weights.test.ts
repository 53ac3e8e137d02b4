import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  extremes,
  genotypeOf,
  memberOf,
  sharedName,
  type spaceSchema,
  type Genotype,
  type Member,
  type Space,
  type Task,
} from '../../../spaces/index.js';
import {
  drawWeights,
  sharedSpecs,
  sharedWeights,
  sliceOf,
  slicedTo,
  weightSpecs,
} from '../../../spaces/models/index.js';
import { efficientnetPresets } from '../../../spaces/types/efficientnet.js';
import { mobilenetPresets } from '../../../spaces/types/mobilenet.js';
import { makeSpace } from '../make.js';
import type { z } from 'zod';

type Config = z.input<typeof spaceSchema>;
const task: Task = { input: [64, 64, 3], classes: 10 };

const blocks: Extract<Config, { type: 'blocks' }> = {
  type: 'blocks',
  stem: { filters: [8, 12], kernel: [3, 5] },
  blocks: [
    { filters: [64, 24], depth: [0, 1], expand: [1, 1.5], kind: ['mbconv', 'fused_mbconv', 'basic'], se: [0, 0.3] },
    { filters: 16, depth: [0, 1], kernel: [3, 5, 7] },
    { filters: [8, 20], depth: [0, 1, 2], kind: ['basic', 'mbconv'], stride: [1, 2] },
    { filters: 12, depth: [1, 2], expand: [1, 3] },
  ],
  head: { filters: [0, 32], hidden: [0, 16] },
};

/** The names of a space type's presets. */
const keys = <K extends string>(presets: Readonly<Record<K, unknown>>): K[] => Object.keys(presets) as K[];

const spaces: [string, Config][] = [
  ...keys(mobilenetPresets).map((preset): [string, Config] => [`mobilenet ${preset}`, { type: 'mobilenet', preset }]),
  ...keys(efficientnetPresets).map((preset): [string, Config] => [
    `efficientnet ${preset}`,
    { type: 'efficientnet', preset },
  ]),
  ['blocks', blocks],
  ['blocks whose widths round up when they are narrowed', { ...blocks, divisor: 8, width: [0.45, 0.9, 1] }],
  ['ofa-mobilenetv3', { type: 'ofa-mobilenetv3', resolution: [32, 64] }],
];

const genotypes = ({ decisions }: Space): fc.Arbitrary<Genotype> =>
  fc.tuple(...decisions.map(({ choices }) => fc.nat(choices.length - 1)));

const sharedShapes = ({ network, places }: Member): (readonly [string, readonly number[]])[] =>
  weightSpecs(network)
    .filter(({ trainable }) => trainable)
    .map(({ name, shape }) => [sharedName(places, name), shape]);

describe.each(spaces)('weights that members of %s share', (_name, config) => {
  it('have places and names that differ within a network', async () => {
    const space = await makeSpace(config, task);
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
    const space = await makeSpace(config, task);
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
    fc.assert(fc.property(genotypes(space), check), { numRuns: 100 });
  });
});

describe('places', () => {
  it('say stage and position, whatever the depths before', async () => {
    const space = await makeSpace({ type: 'mobilenet', preset: 'small' }, task);
    const at = (...depths: number[]): readonly string[] => {
      const cells = Object.fromEntries(space.decisions.map(({ name, choices }) => [name, choices[0]]));
      depths.forEach((depth, i) => (cells[`stage${i + 2}.depth`] = depth));
      return memberOf(space, genotypeOf(space.decisions, cells)).places;
    };
    expect(at(1, 2, 1)).toEqual(['stage1.1', 'stage2.1', 'stage3.1', 'stage3.2', 'stage4.1']);
    expect(at(3, 1, 1)).toEqual(['stage1.1', 'stage2.1', 'stage2.2', 'stage2.3', 'stage3.1', 'stage4.1']);
    expect(sharedName(at(3, 1, 1), 'block5_expand_bn/gamma')).toBe('stage3.1_expand_bn/gamma');
    expect(sharedName(at(3, 1, 1), 'block5/kernel')).toBe('stage3.1/kernel');
    expect(sharedName(at(3, 1, 1), 'stem_bn/beta')).toBe('stem_bn/beta');
  });

  it('count the first block of ofa-mobilenetv3 as a stage', async () => {
    const space = await makeSpace({ type: 'ofa-mobilenetv3', resolution: [32] }, task);
    const { places } = memberOf(space, extremes(space).smallest.genotype);
    expect(places.slice(0, 4)).toEqual(['stage1.1', 'stage2.1', 'stage2.2', 'stage3.1']);
  });

  it('belong to the canonical genotype', async () => {
    const space = await makeSpace({ type: 'blocks', blocks: [1, 2].map(() => ({ filters: 8, depth: [0, 1] })) }, task);
    expect(memberOf(space, [1, 0])).toEqual(memberOf(space, [0, 1]));
  });

  it('are asked of spaces that have them', async () => {
    const space = await makeSpace({ type: 'nas-bench-201' }, task);
    expect(() => memberOf(space, extremes(space).largest.genotype)).toThrow(/nas-bench-201 share no weights/);
  });
});

describe('the part of a shared weight', () => {
  const whole = drawWeights([{ name: 'a/kernel', shape: [5, 5, 4, 3], trainable: true, std: 1, fill: 0 }], 1);

  test.each([
    [
      [7, 7, 8, 1],
      [3, 3, 4, 1],
      [2, 2, 0, 0],
    ],
    [
      [5, 5, 8, 6],
      [5, 5, 8, 6],
      [0, 0, 0, 0],
    ],
    [
      [1, 1, 8, 6],
      [1, 1, 2, 6],
      [0, 0, 0, 0],
    ],
    [
      [8, 10],
      [3, 10],
      [0, 0],
    ],
    [[8], [3], [0]],
  ])('of shape %j with shape %j begins at %j', (from, to, begin) => {
    expect(sliceOf(from, to)).toEqual(begin);
  });

  test('is never larger than the whole', () => {
    expect(() => sliceOf([3, 3, 4, 1], [3, 3, 5, 1])).toThrow('[3,3,4,1] has no part of shape [3,3,5,1]');
    expect(() => sliceOf([4], [4, 1])).toThrow('no part');
  });

  test.each([[[3, 3, 2, 1]], [[1, 1, 4, 3]], [[5, 5, 4, 3]], [[3, 5, 1, 2]]])(
    'has the values of a slice: %j',
    (shape) => {
      const value = whole.get('a/kernel');
      if (value === undefined) throw new Error('no kernel');
      const expected = tf.tidy(() => {
        const shared = new Map([['a/kernel', tf.tensor(value.data, [...value.shape])]]);
        const member = { genotype: [], places: [] } as unknown as Member;
        return sharedWeights(member, shared)('a/kernel', shape).dataSync();
      });
      const part = slicedTo(value, shape);
      expect(part.shape).toEqual(shape);
      expect([...part.data]).toEqual([...expected]);
    },
  );
});
