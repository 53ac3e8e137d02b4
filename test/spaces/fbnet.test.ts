import { describe, expect, it } from 'vitest';
import {
  classifierHead,
  costs,
  describeNetwork,
  genotypeOf,
  layersOf,
  spaceSize,
  type Choice,
  type DecisionSpace,
  type Genotype,
  type Task,
} from '../../spaces/index.js';
import { describeSpace } from './contract.js';
import { complaint, imagenet, makeSpace } from './make.js';

const cifar100: Task = { input: [32, 32, 3], classes: 100 };
const make = () => makeSpace({ type: 'fbnet' }, cifar100);

describeSpace('fbnet', make);

/** The genotype with one candidate everywhere but in some blocks. */
const mostly = ({ decisions }: DecisionSpace, choice: string, others: Record<string, Choice> = {}): Genotype =>
  genotypeOf(decisions, { ...Object.fromEntries(decisions.map(({ name }) => [name, choice])), ...others });

/** Channels in, channels out, map before and after of each of the 22 blocks on 32 x 32 images. */
const places = [
  [16, 1, 32, 1],
  [24, 4, 32, 1],
  [32, 4, 32, 2],
  [64, 4, 16, 2],
  [112, 4, 8, 1],
  [184, 4, 8, 2],
  [352, 1, 4, 1],
].flatMap(([filters, depth, map, stride], stage, all) =>
  Array.from({ length: depth }, (_, i) => ({
    from: i === 0 && stage > 0 ? all[stage - 1][0] : i === 0 ? 16 : filters,
    to: filters,
    before: i === 0 ? map : map / stride,
    after: map / stride,
  })),
);

const around = 32 ** 2 * 27 * 16 + 4 ** 2 * 352 * 1504 + 1504 * 100;
const stemParams = 27 * 16 + 2 * 16;
const headParams = 352 * 1504 + 2 * 1504 + 1504 * 100 + 100;

describe('fbnet', () => {
  it('has the decisions of the published tables', async () => {
    const { decisions } = await make();
    expect(decisions.map(({ name }) => name)).toEqual(Array.from({ length: 22 }, (_, i) => `b${i}`));
    expect(decisions[21].choices).toEqual([
      'k3_e1',
      'k3_e1_g2',
      'k3_e3',
      'k3_e6',
      'k5_e1',
      'k5_e1_g2',
      'k5_e3',
      'k5_e6',
      'skip',
    ]);
  });

  it.each([
    ['k3_e1', 3, 1, 1],
    ['k3_e1_g2', 3, 1, 2],
    ['k3_e6', 3, 6, 1],
    ['k5_e3', 5, 3, 1],
    ['k5_e1_g2', 5, 1, 2],
  ] as const)(
    'has the MACs and parameters of the formula with %s everywhere',
    async (choice, kernel, expand, groups) => {
      const space = await make();
      const { macs, params } = costs(space.build(mostly(space, choice)));
      const sum = (of: (place: (typeof places)[number]) => number): number =>
        places.reduce((total, place) => total + of(place), 0);
      expect(macs).toBe(
        around +
          sum(({ from, to, before, after }) => {
            const mid = from * expand;
            return (before ** 2 * from * mid) / groups + after ** 2 * (kernel ** 2 * mid + (mid * to) / groups);
          }),
      );
      expect(params).toBe(
        stemParams +
          headParams +
          sum(({ from, to }) => {
            const mid = from * expand;
            return (from * mid) / groups + kernel ** 2 * mid + (mid * to) / groups + 2 * (mid + mid + to);
          }),
      );
    },
  );

  it('projects a skip where the shape changes and builds nothing where it does not', async () => {
    const space = await make();
    const network = space.build(mostly(space, 'skip'));
    expect(describeNetwork(network)).toMatchInlineSnapshot(`
      "32 x 32 x 3 to 100 classes: 11.6 M MACs, 781 k parameters, 160 KiB of activations
      stem: conv 3x3, 16 channels, relu
      block1: conv 1x1, 24 channels, relu
      block2: conv 1x1/2, 32 channels, relu
      block3: conv 1x1/2, 64 channels, relu
      block4: conv 1x1, 112 channels, relu
      block5: conv 1x1/2, 184 channels, relu
      block6: conv 1x1, 352 channels, relu
      head: 4 x 4 map, conv 1x1, 1504 channels, relu, average pool, dense 100"
    `);
    const { macs, params } = costs(network);
    const changing = places.filter(({ from, to }) => from !== to);
    expect(macs).toBe(around + changing.reduce((sum, { from, to, after }) => sum + after ** 2 * from * to, 0));
    expect(params).toBe(stemParams + headParams + changing.reduce((sum, { from, to }) => sum + from * to + 2 * to, 0));
  });

  it('keeps the 1x1 convolution at expansion 1, shuffles between grouped ones, and adds the input', async () => {
    const space = await make();
    const layers = layersOf(space.build(mostly(space, 'skip', { b0: 'k3_e1_g2' })));
    const block = layers.filter(({ name }) => name.startsWith('block1_'));
    expect(block.map(({ kind, name }) => `${name}: ${kind}`)).toEqual([
      'block1_expand: conv',
      'block1_expand_bn: batch_norm',
      'block1_expand_act: activation',
      'block1_shuffle: shuffle',
      'block1_depthwise: depthwise',
      'block1_depthwise_bn: batch_norm',
      'block1_depthwise_act: activation',
      'block1_project: conv',
      'block1_project_bn: batch_norm',
      'block1_add: add',
    ]);
  });

  it('takes the place of an identity within its stage for irrelevant', async () => {
    const space = await make();
    const at = (name: string): string => space.canonical(mostly(space, 'k3_e3', { [name]: 'skip' })).join();
    expect(at('b2')).toBe(at('b4'));
    expect(at('b3')).toBe(at('b4'));
    expect(at('b1')).not.toBe(at('b4'));
    expect(at('b5')).not.toBe(at('b8'));
    expect(at('b4')).not.toBe(at('b8'));
    expect(at('b0')).not.toBe(at('b21'));
  });

  it('counts sequences of blocks, not of identities', async () => {
    // A stage's first block is any of nine; of the three others, those that stay are any of eight.
    expect(spaceSize(await make())).toBe(81n * (9n * 585n) ** 5n);
  });

  it('has the ImageNet form for large images', async () => {
    const space = await makeSpace({ type: 'fbnet' }, imagenet);
    const network = space.build(mostly(space, 'k3_e6'));
    expect(network.stem.stride).toBe(2);
    expect(classifierHead(network).filters).toBe(1984);
    const pooled = layersOf(network).find(({ name }) => name === 'head_pool');
    expect(pooled?.input).toEqual([7, 7, 1984]);
  });

  it('refuses unknown presets', async () => {
    expect(await complaint({ type: 'fbnet', preset: 'mnist' })).toMatch(/^preset: /);
  });
});
