import { describe, expect, it } from 'vitest';
import { layersOf } from '../../spaces/index.js';
import { describeSpace } from './contract.js';
import { complaint, makeSpace } from './make.js';

describeSpace('blocks', () =>
  makeSpace({
    type: 'blocks',
    stem: { filters: [6, 8], kernel: [3, 5], stride: [1, 2], act: 'relu' },
    blocks: [
      { kind: ['mbconv', 'basic'], filters: 10, kernel: [3, 5], expand: [1, 2.5], se: 0.3, depth: [0, 1] },
      { kind: 'fused_mbconv', filters: [10, 12], stride: 2, expand: 2, act: ['relu', 'swish'] },
    ],
    head: { filters: [0, 20], act: ['relu', 'hard_swish'], hidden: 0, dropout: [0, 0.2] },
  }),
);
describeSpace('a space of one network', () => makeSpace({ type: 'blocks', blocks: [{ filters: 8 }] }));

describe('blocks', () => {
  it('takes widths exactly as written', async () => {
    const space = await makeSpace({
      type: 'blocks',
      stem: { filters: 5 },
      blocks: [{ filters: 7, expand: 2.2, se: 0.3 }],
    });
    const widths = layersOf(space.build([])).map(({ name, output }) => [name, output[2]] as const);
    expect(widths).toContainEqual(['stem', 5]);
    expect(widths).toContainEqual(['block1_expand', 11]);
    expect(widths).toContainEqual(['block1_se_reduce', 3]);
    expect(widths).toContainEqual(['block1_project', 7]);
  });

  it('names decisions after blocks, and after layers only when a block is repeated', async () => {
    const space = await makeSpace({
      type: 'blocks',
      stem: { filters: [8, 16] },
      blocks: [
        { filters: 8, kernel: [3, 5] },
        { filters: 8, kernel: [3, 5], depth: 2 },
      ],
    });
    expect(space.decisions.map(({ name }) => name)).toEqual([
      'stem.filters',
      'block1.kernel',
      'block2.layer1.kernel',
      'block2.layer2.kernel',
    ]);
  });

  it('does not count the activation of a head that has nothing to activate', async () => {
    const space = await makeSpace({
      type: 'blocks',
      blocks: [{ filters: 8 }],
      head: { filters: [0, 8], act: ['relu', 'swish'] },
    });
    expect(space.canonical([0, 1])).toEqual([0, 0]);
    expect(space.canonical([1, 1])).toEqual([1, 1]);
  });

  it.each([
    [
      {
        blocks: [
          { filters: 8, stride: 2 },
          { filters: 8, stride: 3 },
        ],
      },
      /^blocks\.1\.stride: .*1\|2/,
    ],
    [{}, /^blocks: /],
    [
      { blocks: [{ filters: 8, depth: [0] }] },
      'NasError: space.blocks[0].depth: 0 is the only choice, so the block is never there',
    ],
    [{ stem: { filters: 0 }, blocks: [{ filters: 8 }] }, /^stem\.filters: /],
  ])('refuses %j', async (config, message) => {
    expect(await complaint({ type: 'blocks', ...config })).toMatch(message);
  });
});
