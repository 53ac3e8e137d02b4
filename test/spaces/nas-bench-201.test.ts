import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  cellEdges,
  cellNotation,
  cellOps,
  costs,
  describeNetwork,
  genotypeOf,
  layersOf,
  liveEdges,
  products,
  spaceSize,
  type Genotype,
  type Task,
} from '../../spaces/index.js';
import { apply, initialWeights, weightsFrom } from '../../spaces/models/index.js';
import { describeSpace } from './contract.js';
import { complaint, makeSpace } from './make.js';

const cifar10: Task = { input: [32, 32, 3], classes: 10 };
const make = () => makeSpace({ type: 'nas-bench-201' }, cifar10);

describeSpace('nas-bench-201', make);

const skip = cellOps.indexOf('skip_connect');
const conv1 = cellOps.indexOf('nor_conv_1x1');
const conv3 = cellOps.indexOf('nor_conv_3x3');
const pool = cellOps.indexOf('avg_pool_3x3');

/** The operations on live edges, except skips. */
function executedOps(genotype: Genotype): string {
  const cell = genotype.map((op) => cellOps[op]);
  const live = liveEdges(cell);
  return cell
    .filter((op, edge) => live[edge] && op !== 'skip_connect')
    .sort()
    .join();
}

describe('nas-bench-201', () => {
  it('has the decisions of the published tables, in their order', async () => {
    const { decisions } = await make();
    expect(decisions.map(({ name }) => name)).toEqual(['op_01', 'op_02', 'op_12', 'op_03', 'op_13', 'op_23']);
    for (const { choices } of decisions) expect(choices).toEqual(cellOps);
  });

  // Parameters in millions as the benchmark's own API gives them for CIFAR-10: all edges 3x3 convolutions (the largest
  // network), none of them a convolution (the smallest), and the example of its issue 36.
  it.each([
    [[conv3, conv3, conv3, conv3, conv3, conv3], 1_531_546],
    [[0, 0, 0, skip, 0, 0], 73_306],
    [[0, 0, 0, 0, 0, 0], 73_306],
    [[skip, 0, conv3, pool, conv3, conv3], 802_426],
  ] as const)('has the published parameters of cell %j', async (genotype, params) => {
    const space = await make();
    expect(costs(space.build(genotype)).params).toBe(params);
  });

  it('has the MACs of the formula', async () => {
    const space = await make();
    const skeleton =
      32 ** 2 * 27 * 16 +
      16 ** 2 * (9 * 16 * 32 + 9 * 32 * 32 + 16 * 32) +
      8 ** 2 * (9 * 32 * 64 + 9 * 64 * 64 + 32 * 64) +
      64 * 10;
    // The map's pixels times the square of its channels is 2^18 in every stage.
    const perConvolution = 15 * 2 ** 18;
    const macs = (genotype: Genotype): number => costs(space.build(genotype)).macs;
    expect(macs([0, 0, 0, skip, 0, 0])).toBe(skeleton);
    expect(macs([conv3, conv3, conv3, conv3, conv3, conv3])).toBe(skeleton + 6 * 9 * perConvolution);
    expect(macs([conv1, conv3, conv1, pool, skip, conv1])).toBe(skeleton + (3 + 9) * perConvolution);
  });

  it('builds cells that add a value to itself and use it again', async () => {
    const space = await makeSpace({ type: 'nas-bench-201', cells: 1, filters: 4 }, { input: [8, 8, 3], classes: 10 });
    const network = space.build([skip, skip, skip, conv1, pool, skip]);
    expect(layersOf(network).some(({ kind, inputs }) => kind === 'add' && inputs[0] === inputs[1])).toBe(true);
    const weights = weightsFrom(initialWeights(network, 1));
    const logits = tf.tidy(() => [
      ...apply(network, weights, tf.ones([1, 8, 8, 3]), { training: false }).logits.dataSync(),
    ]);
    expect(logits.every(Number.isFinite)).toBe(true);
  });

  it('takes genotypes for one that execute the same', async () => {
    const space = await make();
    const same = (a: Genotype, b: Genotype): boolean => space.canonical(a).join() === space.canonical(b).join();
    // Dead edges: node 1 leads nowhere; node 2 is zero.
    expect(same([conv3, 0, 0, conv1, 0, 0], [0, 0, 0, conv1, 0, 0])).toBe(true);
    expect(same([0, 0, 0, conv1, 0, conv3], [0, 0, 0, conv1, 0, 0])).toBe(true);
    expect(same([conv3, 0, 0, 0, 0, conv3], [0, 0, 0, 0, 0, 0])).toBe(true);
    // A skip moves what follows to another edge.
    expect(same([skip, 0, conv3, 0, 0, skip], [0, 0, 0, conv3, 0, 0])).toBe(true);
    // The order of a sum does not matter.
    expect(same([conv3, conv1, 0, 0, skip, skip], [conv1, conv3, 0, 0, skip, skip])).toBe(true);
    // Twice the same convolution's output is not the sum of two convolutions.
    expect(same([conv3, 0, skip, 0, skip, skip], [conv3, 0, 0, conv3, skip, 0])).toBe(false);
    expect(same([conv3, 0, 0, conv1, skip, 0], [conv3, 0, 0, conv3, skip, 0])).toBe(false);
  });

  it('keeps the executed convolutions and poolings of every cell, and knows 5,425 different ones', async () => {
    const space = await make();
    const canonical = new Set<string>();
    for (const genotype of products(cellEdges.map(() => cellOps.length))) {
      const first = space.canonical(genotype);
      canonical.add(first.join());
      expect(executedOps(first)).toBe(executedOps(genotype));
    }
    expect(spaceSize(space)).toBe(5425n);
    expect(canonical.size).toBe(5425);
  });

  it('builds only what is executed, with one ReLU for all convolutions of a node', async () => {
    const space = await makeSpace({ type: 'nas-bench-201', cells: 1, filters: 4 }, { input: [8, 8, 1], classes: 3 });
    const layers = layersOf(space.build([conv3, conv1, pool, skip, conv1, conv3]));
    const cell = layers.filter(({ name }) => name.startsWith('block1_'));
    const line = cell.map(
      ({ kind, name, inputs }) => `${name} = ${kind}(${inputs.map((i) => layers[i].name).join(', ')})`,
    );
    expect(line.join('\n')).toMatchInlineSnapshot(`
      "block1_node0_relu = activation(stem_bn)
      block1_op_01 = conv(block1_node0_relu)
      block1_op_01_bn = batch_norm(block1_op_01)
      block1_op_02 = conv(block1_node0_relu)
      block1_op_02_bn = batch_norm(block1_op_02)
      block1_op_12 = avg_pool(block1_op_01_bn)
      block1_node2_add = add(block1_op_02_bn, block1_op_12)
      block1_node1_relu = activation(block1_op_01_bn)
      block1_op_13 = conv(block1_node1_relu)
      block1_op_13_bn = batch_norm(block1_op_13)
      block1_node2_relu = activation(block1_node2_add)
      block1_op_23 = conv(block1_node2_relu)
      block1_op_23_bn = batch_norm(block1_op_23)
      block1_node3_add = add(stem_bn, block1_op_13_bn)
      block1_node3_add2 = add(block1_node3_add, block1_op_23_bn)"
    `);
    const dead = layersOf(space.build([conv3, conv3, 0, 0, 0, conv3]));
    expect(dead.filter(({ kind, name }) => kind === 'conv' && name.startsWith('block1_'))).toHaveLength(2);
  });

  it('builds a cell without output as zeros', async () => {
    const space = await make();
    const layers = layersOf(space.build([conv3, 0, 0, 0, 0, conv1]));
    expect(layers.filter(({ kind }) => kind === 'zero').map(({ name }) => name)).toHaveLength(15);
    expect(layers.at(-1)?.output).toEqual([1, 1, 10]);
  });

  it('writes cells as the benchmark does', async () => {
    const space = await make();
    const network = space.build(
      genotypeOf(space.decisions, {
        op_01: 'nor_conv_3x3',
        op_02: 'nor_conv_3x3',
        op_12: 'nor_conv_3x3',
        op_03: 'skip_connect',
        op_13: 'nor_conv_1x1',
        op_23: 'nor_conv_3x3',
      }),
    );
    expect(cellNotation(['none', 'none', 'none', 'skip_connect', 'none', 'none'])).toBe(
      '|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|',
    );
    expect(describeNetwork(network)).toMatchInlineSnapshot(`
      "32 x 32 x 3 to 10 classes: 153 M MACs, 1.07 M parameters, 320 KiB of activations
      stem: conv 3x3, 16 channels
      block1-5: cell |nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|
      block6: reduction 3x3/2, 32 channels
      block7-11: cell |nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|
      block12: reduction 3x3/2, 64 channels
      block13-17: cell |nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|
      head: 8 x 8 map, batch norm, relu, average pool, dense 10"
    `);
  });

  it('describes what is executed: equal features for equal networks', async () => {
    const space = await make();
    expect(space.features?.([skip, 0, conv3, 0, 0, skip])).toEqual(space.features?.([0, 0, 0, conv3, 0, 0]));
    expect(space.active?.([conv3, 0, 0, conv1, 0, conv3])).toEqual([false, false, false, true, false, false]);
  });

  it('refuses other keys', async () => {
    expect(await complaint({ type: 'nas-bench-201', stages: [] })).toMatch(/stages/);
  });
});
