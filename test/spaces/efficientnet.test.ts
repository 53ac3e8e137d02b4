import { describe, expect, it } from 'vitest';
import { classifierHead, costs, type Network } from '../../spaces/index.js';
import { describeSpace } from './contract.js';
import { complaint, imagenet, makeSpace } from './make.js';

describeSpace('efficientnet with few choices', () =>
  makeSpace({
    type: 'efficientnet',
    phi: [0, 0.3, 1],
    share: 'layer',
    stages: [
      {
        kind: ['mbconv', 'fused_mbconv', 'basic'],
        filters: 24,
        depth: [0, 1],
        kernel: [3, 5],
        expand: [1, 4],
        se: [0, 0.25],
      },
    ],
  }),
);

/** EfficientNet-B0 (Tan & Le 2019, table 1) with a compound coefficient. */
const b0 = (phi: number) => ({
  type: 'efficientnet' as const,
  phi,
  stem: { filters: 32, stride: 2 as const, act: 'swish' as const },
  stages: (
    [
      [3, 1, 16, 1, 1],
      [3, 6, 24, 2, 2],
      [5, 6, 40, 2, 2],
      [3, 6, 80, 3, 2],
      [5, 6, 112, 3, 1],
      [5, 6, 192, 4, 2],
      [3, 6, 320, 1, 1],
    ] as const
  ).map(([kernel, expand, filters, depth, stride]) => ({
    kernel,
    expand,
    filters,
    depth,
    stride,
    se: 0.25 / expand,
    act: 'swish' as const,
  })),
  head: { filters: 1280, act: 'swish' as const, dropout: 0.2 },
});

const build = async (phi: number): Promise<Network> => (await makeSpace(b0(phi), imagenet)).build([]);

describe('efficientnet', () => {
  it('agrees with the published figures of B0, apart from the rounding of squeeze-excite to multiples of 8', async () => {
    const { macs, params } = costs(await build(0));
    // Published: 0.39 G, 5.3 M.
    expect(macs / 1e9).toBeGreaterThan(0.38);
    expect(macs / 1e9).toBeLessThan(0.4);
    expect(params / 1e6).toBeGreaterThan(5.2);
    expect(params / 1e6).toBeLessThan(5.4);
  });

  it('scales depth, width and resolution together', async () => {
    const network = await build(1);
    expect(network.input).toEqual([256, 256, 3]);
    expect(network.stem.filters).toBe(32);
    expect(network.blocks.map((block) => 'filters' in block && block.filters)).toEqual([
      16, 16, 24, 24, 24, 48, 48, 48, 88, 88, 88, 88, 120, 120, 120, 120, 208, 208, 208, 208, 208, 352, 352,
    ]);
    expect(classifierHead(network).filters).toBe(1408);
    // About twice the work, as the coefficients are chosen for; rounding adds to it.
    const growth = costs(network).macs / costs(await build(0)).macs;
    expect(growth).toBeGreaterThan(1.8);
    expect(growth).toBeLessThan(2.4);
  });

  it('leaves the resolution alone with gamma 1', async () => {
    const space = await makeSpace({ ...b0(1), compound: { gamma: 1 } }, imagenet);
    expect(space.build([]).input).toEqual([224, 224, 3]);
  });

  it('offers kinds of block as a decision', async () => {
    const space = await makeSpace({
      type: 'efficientnet',
      phi: 0,
      stages: [{ kind: ['fused_mbconv', 'mbconv'], filters: 16 }],
    });
    expect(space.decisions).toEqual([{ name: 'stage1.kind', choices: ['fused_mbconv', 'mbconv'] }]);
    expect([0, 1].map((i) => space.build([i]).blocks[0].kind)).toEqual(['fused_mbconv', 'mbconv']);
  });

  it.each([
    [{ compound: { delta: 1 } }, /^compound: .*"delta"/],
    [{ compound: { beta: 0.5 } }, /^compound\.beta: /],
    [
      { stages: [{ kind: 'dense', filters: 8 }] },
      /^stages\.0\.kind: .*"mbconv"\|"fused_mbconv"\|"separable"\|"basic"\|"bottleneck"\|"conv"\|"pooled"\|"uib"/,
    ],
    [{ phi: [] }, 'phi: needs at least one choice'],
  ])('refuses %j', async (config, message) => {
    expect(await complaint({ type: 'efficientnet', ...config })).toMatch(message);
  });
});
