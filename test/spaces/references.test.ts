import { describe, expect, it } from 'vitest';
import { costs, describeNetwork, layersOf, presetNetworks, type Task } from '../../spaces/index.js';
import { fashion } from './make.js';
import { handNetwork } from './networks.js';

const tasks: readonly Task[] = [fashion, { input: [32, 32, 3], classes: 100 }, { input: [64, 64, 3], classes: 5 }];

const { resnet, mobilenet } = presetNetworks;

describe.each(Object.entries({ resnet, mobilenet }))('the %s reference', (_, make) => {
  it.each(tasks)('ends small images of $input in a map of 7 or 8 pixels', (task) => {
    const network = make(task);
    const pool = layersOf(network).find(({ name }) => name === 'head_pool');
    expect(pool?.input[0]).toBeGreaterThanOrEqual(7);
    expect(pool?.input[0]).toBeLessThanOrEqual(8);
    expect([network.input, network.classes]).toEqual([task.input, task.classes]);
  });

  it('grows with its width', () => {
    const macs = [0.25, 0.5, 1, 2].map((width) => costs(make(fashion, width)).macs);
    expect([...macs].sort((a, b) => a - b)).toEqual(macs);
    expect(new Set(macs).size).toBe(macs.length);
  });
});

describe('the pooled reference', () => {
  const sizes = [28, 32, 96, 128];
  it.each(sizes)('ends images of %i pixels in a small map, halved by pools', (size) => {
    const network = presetNetworks.pooled({ input: [size, size, 3], classes: 5 }, 0.5);
    const layers = layersOf(network);
    expect(layers.find(({ name }) => name === 'head_pool')?.input[0]).toBeLessThanOrEqual(4);
    expect(layers.filter(({ kind }) => kind === 'max_pool')).toHaveLength(network.blocks.length / 2);
  });

  it('has a stem as wide as the whitened patches of its images, and half as wide convolutions at half the width', () => {
    const network = (channels: number, width: number) =>
      presetNetworks.pooled({ input: [32, 32, channels], classes: 5 }, width);
    expect([1, 3].map((channels) => network(channels, 1).stem.filters)).toEqual([8, 24]);
    const widths = (width: number): unknown[] =>
      network(3, width).blocks.flatMap((block) => ('filters' in block ? [block.filters] : []));
    expect(widths(1)).toEqual([64, 64, 256, 256, 256, 256]);
    expect(widths(0.5)).toEqual([32, 32, 128, 128, 128, 128]);
  });
});

describe('describeNetwork', () => {
  it('describes a network in a few lines', () => {
    expect(describeNetwork(handNetwork)).toMatchInlineSnapshot(`
      "5 x 5 x 2 to 3 classes: 8.33 k MACs, 1.57 k parameters, 752 B of activations
      stem: conv 3x3/2, 4 channels, hard_swish
      block1: mbconv 5x5, expand 2, 4 channels, squeeze-excite 0.25, relu
      block2: fused_mbconv 3x3, expand 1.5, 6 channels, swish
      block3: basic 3x3/2, 6 channels, relu6
      head: 2 x 2 map, conv 1x1, 8 channels, relu, average pool, dense 7, relu, dropout 0.5, dense 3"
    `);
  });

  it('puts equal neighbours on one line', () => {
    const [block] = handNetwork.blocks;
    const text = describeNetwork({ ...handNetwork, blocks: [block, block, block] });
    expect(text.split('\n')).toHaveLength(4);
    expect(text).toContain('block1-3: mbconv 5x5');
  });
});
