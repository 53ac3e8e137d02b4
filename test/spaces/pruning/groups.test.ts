import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { channelGroups, layersOf, shrinkNetwork, type Network } from '../../../spaces/index.js';
import { weightSpecs } from '../../../spaces/models/index.js';
import { handNetwork, smallNetworks } from '../networks.js';

const shrinkable: Network = {
  kind: 'network',
  input: [8, 8, 3],
  classes: 4,
  stem: { filters: 8, kernel: 3, stride: 1, act: 'relu' },
  blocks: [
    { kind: 'mbconv', filters: 8, kernel: 3, stride: 1, act: 'relu', expand: 3, se: 0.25 },
    { kind: 'mbconv', filters: 12, kernel: 3, stride: 2, act: 'relu', expand: 1, se: 0 },
    { kind: 'mbconv', filters: 12, kernel: 3, stride: 1, act: 'relu', expand: 2, se: 0 },
  ],
  head: { filters: 16, act: 'relu', dropout: 0 },
};

describe('channelGroups', () => {
  it('joins what residuals add, gates multiply and depthwise convolutions filter', () => {
    const text = channelGroups(handNetwork).map(({ name, width, axes }) => {
      const reads = axes.filter(({ role }) => role === 'reads').map(({ weight }) => weight);
      const makes = axes.filter(({ role }) => role === 'makes').map(({ weight }) => weight);
      return `${name} ${width}: ${makes.join(', ')} -> ${reads.join(', ')}`;
    });
    expect(text.join('\n')).toMatchInlineSnapshot(`
      "stem 4: stem/kernel, block1_project/kernel -> block1_expand/kernel, block2_fused/kernel
      block1_expand 8: block1_expand/kernel, block1_depthwise/depthwise_kernel, block1_se_expand/kernel, block1_se_expand/bias -> block1_se_reduce/kernel, block1_project/kernel
      block1_se_reduce 2: block1_se_reduce/kernel, block1_se_reduce/bias -> block1_se_expand/kernel
      block2_fused 6: block2_fused/kernel -> block2_project/kernel
      block2_project 6: block2_project/kernel -> block3_conv1/kernel, block3_shortcut/kernel
      block3_conv1 6: block3_conv1/kernel -> block3_conv2/kernel
      block3_conv2 6: block3_conv2/kernel, block3_shortcut/kernel -> head/kernel
      head 8: head/kernel -> head_hidden/kernel
      head_hidden 7: head_hidden/kernel, head_hidden/bias -> logits/kernel"
    `);
  });

  it('has every axis of every weight once, or leaves the channels as they are', () => {
    fc.assert(
      fc.property(smallNetworks, (network) => {
        const specs = new Map(weightSpecs(network).map(({ name, shape }) => [name, shape]));
        const seen = new Set<string>();
        for (const { axes, width } of channelGroups(network))
          for (const { weight, axis } of axes) {
            expect(specs.get(weight)?.[axis]).toBe(width);
            const key = `${weight} ${axis}`;
            expect(seen.has(key)).toBe(false);
            seen.add(key);
          }
      }),
    );
  });

  it('leaves cells and grouped convolutions as they are', () => {
    const cells: Network = {
      ...shrinkable,
      blocks: [
        {
          kind: 'cell',
          cell: ['nor_conv_3x3', 'skip_connect', 'none', 'nor_conv_1x1', 'none', 'nor_conv_3x3'],
        },
        { kind: 'reduction', filters: 12 },
      ],
      head: { filters: 0, norm: true, act: 'relu', dropout: 0 },
    };
    expect(channelGroups(cells)).toEqual([]);
    const grouped: Network = {
      ...shrinkable,
      blocks: [{ kind: 'fused_mbconv', filters: 8, kernel: 3, stride: 1, act: 'relu', expand: 2, se: 0, groups: 2 }],
    };
    expect(channelGroups(grouped).map(({ name }) => name)).toEqual(['head']);
  });
});

describe('shrinkNetwork', () => {
  it('gives exactly the widths that are asked for, or nothing', () => {
    let given = 0;
    fc.assert(
      fc.property(smallNetworks, fc.array(fc.integer({ min: 1, max: 7 })), (network, numbers) => {
        const groups = channelGroups(network);
        const widths = new Map(groups.flatMap(({ name }, i) => (i < numbers.length ? [[name, numbers[i]]] : [])));
        const cut = shrinkNetwork(network, widths);
        if (cut === null) return;
        given++;
        expect(layersOf(cut).map(({ kind, name }) => [kind, name])).toEqual(
          layersOf(network).map(({ kind, name }) => [kind, name]),
        );
        expect(channelGroups(cut).map(({ name, width }) => [name, width])).toEqual(
          groups.map(({ name, width }) => [name, widths.get(name) ?? width]),
        );
      }),
      { numRuns: 100 },
    );
    expect(given).toBeGreaterThan(50);
  });

  it('tells widths in the thousands exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 500 }), fc.integer({ min: 1, max: 4000 }), (channels, hidden) => {
        fc.pre(channels !== hidden);
        const cut = shrinkNetwork(
          shrinkable,
          new Map([
            ['stem', channels],
            ['block1_expand', hidden],
          ]),
        );
        expect(cut && layersOf(cut).find(({ name }) => name === 'block1_depthwise')?.output[2]).toBe(hidden);
      }),
    );
  });

  it('is the network itself when nothing is cut', () => {
    fc.assert(
      fc.property(smallNetworks, (network) => {
        const same = shrinkNetwork(network, new Map());
        expect(same && layersOf(same)).toEqual(layersOf(network));
      }),
    );
  });

  it('refuses an expansion that would vanish and a residual that would appear', () => {
    expect(shrinkNetwork(shrinkable, new Map([['block1_expand', 8]]))).toBeNull();
    const wider: Network = {
      ...shrinkable,
      blocks: [{ kind: 'mbconv', filters: 12, kernel: 3, stride: 1, act: 'relu', expand: 3, se: 0 }],
    };
    expect(shrinkNetwork(wider, new Map([['block1_project', 8]]))).toBeNull();
    expect(shrinkNetwork(wider, new Map([['block1_project', 4]]))?.blocks[0]).toMatchObject({ filters: 4 });
  });

  it('describes a basic block whose two convolutions have other widths', () => {
    const basic: Network = {
      ...shrinkable,
      blocks: [{ kind: 'basic', filters: 8, kernel: 3, stride: 1, act: 'relu' }],
    };
    const cut = shrinkNetwork(basic, new Map([['block1_conv1', 4]]));
    expect(cut?.blocks).toEqual([{ kind: 'basic', filters: 8, kernel: 3, stride: 1, act: 'relu', hidden: 4 }]);
  });
});
