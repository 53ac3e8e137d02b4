import { describe, expect, it } from 'vitest';
import {
  classifierHead,
  costs,
  genotypeOf,
  layersOf,
  spaceSize,
  type Choice,
  type DecisionSpace,
  type Genotype,
} from '../../spaces/index.js';
import { describeSpace } from './contract.js';
import { complaint, imagenet, makeSpace } from './make.js';

const make = () => makeSpace({ type: 'ofa-mobilenetv3' }, imagenet);

describeSpace('ofa-mobilenetv3', () =>
  makeSpace({ type: 'ofa-mobilenetv3', width: 0.35, resolution: [32, 64] }, { input: [32, 48, 1], classes: 4 }),
);

/** The genotype with one depth, kernel and expansion everywhere. */
function uniform({ decisions }: DecisionSpace, [d, ks, e]: readonly [number, number, number], r = 224): Genotype {
  const values: Record<string, Choice> = { d, ks, e, r };
  return genotypeOf(
    decisions,
    Object.fromEntries(decisions.map(({ name }) => [name, values[name.replace(/\d+$/, '')]])),
  );
}

/**
 * MACs by hand, without the layers in between: the supernet's stages at 224 pixels, where every layer of a stage has the
 * same kernel and expansion.
 */
function macsByHand(depth: number, kernel: number, expand: number): number {
  const stages = [
    [24, 112, 2, false],
    [40, 56, 2, true],
    [80, 28, 2, false],
    [112, 14, 1, true],
    [160, 14, 2, true],
  ] as const;
  let channels = 16;
  let macs = 112 ** 2 * (27 * 16 + 9 * 16 + 16 * 16);
  for (const [filters, map, stride, se] of stages) {
    for (let i = 0; i < depth; i++) {
      const before = i === 0 ? map : map / stride;
      const after = map / stride;
      const wide = channels * expand;
      // The squeeze is a quarter, rounded to a multiple of 8 and not down by more than a tenth.
      const rounded = Math.floor((wide / 4 + 4) / 8) * 8;
      const squeeze = rounded < 0.9 * (wide / 4) ? rounded + 8 : rounded;
      macs +=
        before ** 2 * channels * wide + after ** 2 * wide * (kernel ** 2 + filters) + (se ? 2 * wide * squeeze : 0);
      channels = filters;
    }
  }
  return macs + 7 ** 2 * 160 * 960 + 960 * 1280 + 1280 * 1000;
}

describe('ofa-mobilenetv3', () => {
  it('has the decisions of the published tables, in their order', async () => {
    const { decisions } = await make();
    const numbered = (prefix: string, n: number): string[] => Array.from({ length: n }, (_, i) => `${prefix}${i}`);
    expect(decisions.map(({ name }) => name)).toEqual([
      'r',
      ...numbered('d', 5),
      ...numbered('ks', 20),
      ...numbered('e', 20),
    ]);
    expect(decisions[0].choices.at(0)).toBe(128);
    expect(decisions[0].choices.at(-1)).toBe(224);
    expect(decisions[0].choices).toHaveLength(25);
  });

  it('has 25 times 7371^5 networks', async () => {
    expect(spaceSize(await make())).toBe(25n * 7371n ** 5n);
  });

  it.each([
    [2, 3, 3],
    [3, 5, 4],
    [4, 7, 6],
  ] as const)('has the MACs of the formula at depth %i, kernel %i, expansion %i', async (depth, kernel, expand) => {
    const space = await make();
    const network = space.build(uniform(space, [depth, kernel, expand]));
    expect(costs(network).macs).toBe(macsByHand(depth, kernel, expand));
  });

  it('ignores the kernels and expansions of layers beyond the depth', async () => {
    const space = await make();
    const shallow = uniform(space, [2, 7, 6]);
    const canonical = space.canonical(shallow);
    const nonzero = space.decisions.filter((_, i) => canonical[i] > 0).map(({ name }) => name);
    expect(nonzero.filter((name) => name.startsWith('ks'))).toEqual(
      [0, 1, 4, 5, 8, 9, 12, 13, 16, 17].map((layer) => `ks${layer}`),
    );
    expect(space.build(shallow)).toEqual(space.build(canonical));
  });

  it('follows the published shapes stage by stage', async () => {
    const space = await make();
    const layers = layersOf(space.build(uniform(space, [4, 7, 6])));
    const shapes = layers.filter(({ name }) => name.endsWith('_project')).map(({ output }) => output.join('x'));
    const repeat = (text: string, n: number): string[] => Array.from({ length: n }, () => text);
    expect(shapes).toEqual([
      '112x112x16',
      ...repeat('56x56x24', 4),
      ...repeat('28x28x40', 4),
      ...repeat('14x14x80', 4),
      ...repeat('14x14x112', 4),
      ...repeat('7x7x160', 4),
    ]);
    const squeezed = layers.filter(({ name }) => name.endsWith('_se_pool')).map(({ name }) => name);
    expect(squeezed.map((name) => Number(/\d+/.exec(name)?.[0]))).toEqual([
      6,
      7,
      8,
      9,
      ...[14, 15, 16, 17],
      ...[18, 19, 20, 21],
    ]);
    expect(layers.filter((layer) => layer.kind === 'activation' && layer.act === 'hard_swish')).toHaveLength(
      1 + 24 + 2,
    );
  });

  it('scales widths as the supernet of width 1.2 does', async () => {
    const space = await makeSpace({ type: 'ofa-mobilenetv3', width: 1.2 }, imagenet);
    const network = space.build(space.decisions.map(() => 0));
    const head = classifierHead(network);
    const widths = layersOf(network).flatMap(({ name, output }) => (/^stem$|_project$/.test(name) ? [output[2]] : []));
    expect([...new Set(widths)]).toEqual([24, 32, 48, 96, 136, 192]);
    expect([head.filters, head.hidden]).toEqual([1152, 1536]);
  });

  it.each([
    [{ width: 0 }, /^width: /],
    [{ resolution: [8] }, /^resolution\.0: /],
    [{ preset: 'tiny' }, /preset/],
  ])('refuses %j', async (config, message) => {
    expect(await complaint({ type: 'ofa-mobilenetv3', ...config })).toMatch(message);
  });
});
