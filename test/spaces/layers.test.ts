import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layersOf, type Layer } from '../../spaces/index.js';
import { handNetwork, smallNetworks } from './networks.js';

const line = (layer: Layer, layers: readonly Layer[]): string =>
  `${layer.name} = ${layer.kind}(${layer.inputs.map((i) => layers[i].name).join(', ')}) ${layer.output.join('x')}`;

describe('layersOf', () => {
  it('lists the layers of every kind of block', () => {
    const layers = layersOf(handNetwork);
    expect(layers.map((layer) => line(layer, layers)).join('\n')).toMatchInlineSnapshot(`
      "input = input() 5x5x2
      stem = conv(input) 3x3x4
      stem_bn = batch_norm(stem) 3x3x4
      stem_act = activation(stem_bn) 3x3x4
      block1_expand = conv(stem_act) 3x3x8
      block1_expand_bn = batch_norm(block1_expand) 3x3x8
      block1_expand_act = activation(block1_expand_bn) 3x3x8
      block1_depthwise = depthwise(block1_expand_act) 3x3x8
      block1_depthwise_bn = batch_norm(block1_depthwise) 3x3x8
      block1_depthwise_act = activation(block1_depthwise_bn) 3x3x8
      block1_se_pool = global_pool(block1_depthwise_act) 1x1x8
      block1_se_reduce = dense(block1_se_pool) 1x1x2
      block1_se_reduce_act = activation(block1_se_reduce) 1x1x2
      block1_se_expand = dense(block1_se_reduce_act) 1x1x8
      block1_se_gate = activation(block1_se_expand) 1x1x8
      block1_se_scale = multiply(block1_depthwise_act, block1_se_gate) 3x3x8
      block1_project = conv(block1_se_scale) 3x3x4
      block1_project_bn = batch_norm(block1_project) 3x3x4
      block1_add = add(block1_project_bn, stem_act) 3x3x4
      block2_fused = conv(block1_add) 3x3x6
      block2_fused_bn = batch_norm(block2_fused) 3x3x6
      block2_fused_act = activation(block2_fused_bn) 3x3x6
      block2_project = conv(block2_fused_act) 3x3x6
      block2_project_bn = batch_norm(block2_project) 3x3x6
      block3_conv1 = conv(block2_project_bn) 2x2x6
      block3_conv1_bn = batch_norm(block3_conv1) 2x2x6
      block3_conv1_act = activation(block3_conv1_bn) 2x2x6
      block3_conv2 = conv(block3_conv1_act) 2x2x6
      block3_conv2_bn = batch_norm(block3_conv2) 2x2x6
      block3_shortcut = conv(block2_project_bn) 2x2x6
      block3_shortcut_bn = batch_norm(block3_shortcut) 2x2x6
      block3_add = add(block3_conv2_bn, block3_shortcut_bn) 2x2x6
      block3_act = activation(block3_add) 2x2x6
      head = conv(block3_act) 2x2x8
      head_bn = batch_norm(head) 2x2x8
      head_act = activation(head_bn) 2x2x8
      head_pool = global_pool(head_act) 1x1x8
      head_hidden = dense(head_pool) 1x1x7
      head_hidden_act = activation(head_hidden) 1x1x7
      head_dropout = dropout(head_hidden_act) 1x1x7
      logits = dense(head_dropout) 1x1x3"
    `);
  });

  it('gives layers in the order they run, each with its inputs before it and their shapes', () => {
    fc.assert(
      fc.property(smallNetworks, (network) => {
        const layers = layersOf(network);
        for (const [i, layer] of layers.entries()) {
          expect(layer.inputs.every((j) => j < i)).toBe(true);
          if (layer.inputs.length > 0) expect(layer.input).toEqual(layers[layer.inputs[0]].output);
        }
        const used = new Set(layers.flatMap(({ inputs }) => inputs));
        expect(used.size).toBe(layers.length - 1);
      }),
    );
  });

  it('rounds strided maps up', () => {
    const [, stem] = layersOf({ ...handNetwork, input: [7, 4, 1] });
    expect(stem.output).toEqual([4, 2, 4]);
  });

  it('leaves out the expansion at 1, the squeeze-excite at 0 and the residual where shapes change', () => {
    const blocks = [
      { kind: 'mbconv', filters: 4, kernel: 3, stride: 2, act: 'relu', expand: 1, se: 0 },
      { kind: 'fused_mbconv', filters: 4, kernel: 3, stride: 1, act: 'relu', expand: 1, se: 0 },
    ] as const;
    const names = layersOf({ ...handNetwork, blocks, head: { filters: 0, act: 'relu', dropout: 0 } }).map(
      (l) => l.name,
    );
    expect(names.slice(4)).toEqual([
      'block1_depthwise',
      'block1_depthwise_bn',
      'block1_depthwise_act',
      'block1_project',
      'block1_project_bn',
      'block2_fused',
      'block2_fused_bn',
      'block2_fused_act',
      'block2_add',
      'head_pool',
      'logits',
    ]);
  });
});
