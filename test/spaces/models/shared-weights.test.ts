import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it, test } from 'vitest';
import { extremes, genotypeOf, memberOf, sharedName, type spaceSchema, type Member } from '../../../spaces/index.js';
import { drawWeights, sharedWeights, sliceOf, slicedTo } from '../../../spaces/models/index.js';
import { makeSpace } from '../make.js';
import { describeSharedWeights, task } from './shared.js';
import type { z } from 'zod';

type Config = z.input<typeof spaceSchema>;

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

describeSharedWeights('mobilenet', { type: 'mobilenet', preset: 'tiny' });
describeSharedWeights('detectors', { type: 'mobilenet', preset: 'detector' }, { ...task, maps: 'detection' });
describeSharedWeights('efficientnet', { type: 'efficientnet', preset: 'tiny' });
describeSharedWeights('blocks', blocks);
describeSharedWeights('blocks with widths that round up', { ...blocks, divisor: 8, width: [0.45, 0.9, 1] });

describe('places', () => {
  it('are stage and position, for any earlier depths', async () => {
    const space = await makeSpace({ type: 'mobilenet', preset: 'small' }, task);
    const at = (...depths: number[]): Member => {
      const cells = Object.fromEntries(space.decisions.map(({ name, choices }) => [name, choices[0]]));
      depths.forEach((depth, i) => (cells[`stage${i + 2}.depth`] = depth));
      return memberOf(space, genotypeOf(space.decisions, cells));
    };
    expect(at(1, 2, 1).places).toEqual(['stage1.1', 'stage2.1', 'stage3.1', 'stage3.2', 'stage4.1']);
    expect(at(3, 1, 1).places).toEqual(['stage1.1', 'stage2.1', 'stage2.2', 'stage2.3', 'stage3.1', 'stage4.1']);
    expect(sharedName(at(3, 1, 1), 'block5_expand_bn/gamma')).toBe('stage3.1_expand_bn/gamma');
    expect(sharedName(at(3, 1, 1), 'block5/kernel')).toBe('stage3.1/kernel');
    expect(sharedName(at(3, 1, 1), 'stem_bn/beta')).toBe('stem_bn/beta');
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
    '7 7 8 1, 3 3 4 1, 2 2 0 0',
    '5 5 8 6, 5 5 8 6, 0 0 0 0',
    '1 1 8 6, 1 1 2 6, 0 0 0 0',
    '8 10, 3 10, 0 0',
    '8, 3, 0',
  ])('of a shape with another shape begins here: %s', (text) => {
    const [from, to, begin] = text.split(', ').map((shape) => shape.split(' ').map(Number));
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
