import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { describeNetwork, genotypeOf, layersOf, memberOf, sampleGenotype, type Network } from '../../spaces/index.js';
import { apply, initialWeights, sharedSpecs, toOnnx, weightSpecs, weightsFrom } from '../../spaces/models/index.js';
import { describeSpace } from './contract.js';
import { makeSpace } from './make.js';

/** Every kind of block in every stage, as a decision of the search. */
const mixed = {
  type: 'mobilenet',
  preset: 'tiny',
  width: [0.5, 1],
  stages: [
    {
      ...{ kind: ['separable', 'uib', 'fused_mbconv'], filters: 8, stride: 2, depth: [1, 2] },
      ...{ kernel: [0, 3], before: [0, 3], expand: [1, 2], se: [0, 0.25], group_width: [0, 4], act: ['relu', 'swish'] },
    },
    {
      ...{
        kind: ['conv', 'mbconv', 'basic', 'pooled'],
        filters: 16,
        stride: [1, 2],
        kernel: [0, 1, 5],
        before: [0, 5],
      },
      act: 'relu',
    },
  ],
  head: { filters: 16 },
} as const satisfies Parameters<typeof makeSpace>[0];

describeSpace('a space of all kinds of blocks', () => makeSpace(mixed));

const build = async (stage: object): Promise<Network> =>
  (await makeSpace({ type: 'blocks', stem: { filters: 4 }, blocks: [{ filters: 4, ...stage }] })).build([]);

const layersIn = (network: Network): string[] =>
  layersOf(network)
    .filter(({ name }) => name.startsWith('block1'))
    .map(({ kind, name }) => `${kind} ${name.replace('block1_', '')}`);

describe('the universal inverted bottleneck', () => {
  it.each([
    ['inverted bottleneck', { kernel: 3 }, ['expand', 'depthwise', 'project'], '3x3, expand 2'],
    ['ConvNeXt-like', { kernel: 0, before: 5 }, ['before', 'expand', 'project'], '5x5 before, expand 2'],
    ['feed-forward', { kernel: 0 }, ['expand', 'project'], 'without depthwise, expand 2'],
    ['a projection alone', { kernel: 0, expand: 1 }, ['project'], 'without depthwise, expand 1'],
    [
      'extra depthwise',
      { kernel: 5, before: 3 },
      ['before', 'expand', 'depthwise', 'project'],
      '3x3 before, 5x5, expand 2',
    ],
  ])('can be %s', async (_, stage, convolutions, text) => {
    const network = await build({ kind: 'uib', expand: 2, ...stage });
    const layers = layersIn(network);
    expect(layers.filter((layer) => /^(conv|depthwise) /.test(layer)).map((layer) => layer.split(' ')[1])).toEqual(
      convolutions,
    );
    expect(layers.filter((layer) => layer.startsWith('activation')).length).toBe(
      convolutions.filter((name) => name === 'expand' || name === 'depthwise').length,
    );
    expect(layers.at(-1)).toBe('add add');
    expect(describeNetwork(network)).toContain(`block1: mbconv ${text}, 4 channels, relu`);
  });

  it('strides in its last depthwise convolution, and gets one where it has none', async () => {
    const strides = async (stage: object): Promise<unknown[]> =>
      layersOf(await build({ kind: 'uib', expand: 2, stride: 2, ...stage })).flatMap((layer) =>
        layer.kind === 'depthwise' ? [[layer.name, layer.kernel, layer.stride]] : [],
      );
    expect(await strides({ kernel: 3, before: 5 })).toEqual([
      ['block1_before', 5, 1],
      ['block1_depthwise', 3, 2],
    ]);
    expect(await strides({ kernel: 0, before: 5 })).toEqual([['block1_before', 5, 2]]);
    expect(await strides({ kernel: 0 })).toEqual([['block1_depthwise', 3, 2]]);
  });
});

it('a fused block has as many groups as divide both widths', async () => {
  const groups = async (filters: number, group_width: number): Promise<unknown> => {
    const stage = { kind: 'fused_mbconv', filters: 4, expand: 4, group_width } as const;
    const network = (await makeSpace({ type: 'blocks', stem: { filters }, blocks: [stage] })).build([]);
    return layersOf(network).flatMap((layer) => (layer.kind === 'conv' && layer.groups ? [layer.groups] : []));
  };
  expect(await groups(48, 64)).toEqual([3]);
  expect(await groups(64, 64)).toEqual([4]);
  expect(await groups(40, 64)).toEqual([2]);
  expect(await groups(4, 64)).toEqual([]);
  expect(await groups(48, 0)).toEqual([]);
});

it('a separable block has activations behind both convolutions, late squeeze-excite and no residual', async () => {
  expect(layersIn(await build({ kind: 'separable', se: 0.25 }))).toEqual([
    ...['depthwise dw', 'batch_norm dw_bn', 'activation dw_act'],
    ...['global_pool se_pool', 'dense se_reduce', 'activation se_reduce_act'],
    ...['dense se_expand', 'activation se_gate', 'multiply se_scale'],
    ...['conv pw', 'batch_norm pw_bn', 'activation pw_act'],
  ]);
});

it('a pooled block pools between convolution and norm, where it strides', async () => {
  const pool = ['max_pool pool'];
  expect(layersIn(await build({ kind: 'pooled', stride: 2 }))).toEqual([
    'conv block1',
    ...pool,
    ...['batch_norm bn', 'activation act'],
  ]);
  expect(layersIn(await build({ kind: 'pooled' })).join()).not.toContain('max_pool');
});

it('a bottleneck has a quarter of its channels inside', async () => {
  const layers = layersIn(await build({ kind: 'bottleneck', stride: 2 }));
  const unit = (name: string): string[] => [`conv ${name}`, `batch_norm ${name}_bn`];
  expect(layers).toEqual([
    ...[...unit('conv1'), 'activation conv1_act'],
    ...[...unit('conv2'), 'activation conv2_act'],
    ...[...unit('conv3'), ...unit('shortcut')],
    ...['add add', 'activation act'],
  ]);
});

it('kinds of blocks leave the decisions of existing spaces as they are', async () => {
  const plain = await makeSpace({ type: 'mobilenet', preset: 'tiny' });
  expect(plain.decisions.filter(({ name }) => /kind|before/.test(name))).toEqual([]);
  const opted = await makeSpace({ type: 'mobilenet', stages: [{ filters: 8, kind: ['mbconv', 'separable'] }] });
  expect(opted.decisions.map(({ name }) => name)).toContain('stage1.kind');
});

it('networks of all kinds compute the same in ONNX Runtime, from parts of shared weights', async () => {
  const space = await makeSpace(mixed);
  const shared = new Map(sharedSpecs(space).map(({ name, shape }) => [name, shape]));
  const random = new Random(1);
  const some = [
    ...['separable', 'uib', 'fused_mbconv'].map((kind, i) =>
      genotypeOf(space.decisions, {
        ...Object.fromEntries(space.decisions.map(({ name, choices }) => [name, choices.at(-1) ?? 0])),
        ...{ 'stage1.kind': kind === 'uib' ? 'mbconv' : kind, 'stage2.kind': ['pooled', 'mbconv', 'basic'][i] },
      }),
    ),
    ...Array.from({ length: 3 }, () => sampleGenotype(space, random)),
  ];
  for (const genotype of some) {
    const { network, places } = memberOf(space, genotype);
    for (const { name, shape, trainable } of weightSpecs(network)) {
      const whole = shared.get(name.replace(/^block(\d+)/, (__, number) => places[Number(number) - 1]));
      if (trainable) expect(shape.every((side, axis) => side <= (whole?.[axis] ?? 0))).toBe(true);
    }
    const weights = initialWeights(network, 1);
    const images = tf.randomNormal([2, 28, 28, 1], 0, 1, 'float32', 1);
    const expected = apply(network, weightsFrom(weights), images, { training: false }).logits.dataSync();
    const session = await InferenceSession.create(toOnnx({ network, weights }), { intraOpNumThreads: 1 });
    const feeds = { [session.inputNames[0]]: new Tensor('float32', images.dataSync() as Float32Array, [2, 28, 28, 1]) };
    const found = (await session.run(feeds))[session.outputNames[0]].data as Float32Array;
    await session.release();
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
  }
});
