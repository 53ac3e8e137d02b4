import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkExport } from '../../deploy/index.js';
import type { Network } from '../../spaces/index.js';
import { apply, weightsFrom } from '../../spaces/models/index.js';
import { shaken } from './support/classifiers.js';
import { openEager } from '../trainers/support/eager.js';
import { exported, losses, openCompiled, smallestOf, task } from './support/published-spaces.js';

const nasBench = { type: 'nas-bench-201', filters: 4, cells: 1 };

/** The layers that only published spaces have: poolings, zeros, norms before activations. */
const everyNewLayer: Network = {
  kind: 'network',
  ...task,
  stem: { filters: 4, kernel: 3, stride: 2, act: null },
  blocks: [
    {
      kind: 'cell',
      cell: ['nor_conv_3x3', 'avg_pool_3x3', 'skip_connect', 'skip_connect', 'nor_conv_1x1', 'nor_conv_3x3'],
    },
    { kind: 'reduction', filters: 6 },
    { kind: 'fused_mbconv', filters: 8, kernel: 3, stride: 1, act: 'relu', expand: 3, se: 0, groups: 2 },
    { kind: 'conv', filters: 6, kernel: 1, stride: 1, act: 'relu' },
  ],
  head: { filters: 0, act: 'relu', norm: true, dropout: 0 },
};

describe('layers of published spaces', () => {
  it('train as in TF.js', async () => {
    const compiled = await losses(openCompiled, everyNewLayer, 3);
    const eager = await losses(openEager, everyNewLayer, 3);
    for (const [i, loss] of eager.entries()) expect(Math.abs(loss / compiled[i] - 1)).toBeLessThan(1e-4);
    expect(compiled[2]).toBeLessThan(compiled[0]);
  });

  it('compute constant logits if no input reaches the output', async () => {
    const network = await smallestOf(nasBench);
    const none = { kind: 'cell', cell: ['none', 'none', 'none', 'none', 'none', 'none'] } as const;
    const zero: Network = { ...network, blocks: network.blocks.map((block) => (block.kind === 'cell' ? none : block)) };
    const model = shaken(zero);
    const images = tf.randomNormal([2, ...task.input], 0, 1, 'float32', 4);
    const [a, b] = apply(zero, weightsFrom(model.weights), images, {
      training: false,
    }).logits.arraySync() as number[][];
    expect(a).toEqual(b);
    expect(await checkExport(exported(model), model)).toBeLessThan(1e-4);
    const [first, second] = await losses(openCompiled, zero, 2);
    expect(second).toBeLessThan(first);
  });
});
