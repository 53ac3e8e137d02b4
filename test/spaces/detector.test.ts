import { describe, expect, it } from 'vitest';
import { product } from '../../base/statistics.js';
import {
  channelGroups,
  costs,
  describeNetwork,
  detectionOf,
  layersOf,
  outputShape,
  shrinkNetwork,
  targetShape,
  type Layer,
  type Task,
} from '../../spaces/index.js';
import { initialWeights, weightSpecs } from '../../spaces/models/index.js';
import { tinyDetector } from '../support/tiny-detector.js';
import { describeSpace } from './contract.js';
import { complaint, makeSpace } from './make.js';

const boxes: Task = { input: [64, 96, 3], classes: 3, maps: 'detection' };
const few = { filters: 16, stride: 2 } as const;

describeSpace('detectors of centroids', () => makeSpace({ type: 'mobilenet' }, { ...boxes, maps: 'centroids' }));
describeSpace('segmenters', () => makeSpace({ type: 'mobilenet' }, { ...boxes, maps: 'segmentation' }));
describeSpace('detectors', () =>
  makeSpace(
    {
      type: 'blocks',
      blocks: [{ ...few }, { ...few, stride: [1, 2], depth: [0, 2] }, { ...few, depth: [1, 2] }],
      stem: { stride: 2 },
      detect: { stride: 4, deepest: [4, 8], depth: [0, 1] },
    },
    boxes,
  ),
);

const line = (layer: Layer, layers: readonly Layer[]): string =>
  `${layer.name} = ${layer.kind}(${layer.inputs.map((i) => layers[i].name).join(', ')}) ${layer.output.join('x')}`;

describe('a detector', () => {
  it('reads the last map of each stride and adds the deeper ones', () => {
    const layers = layersOf(tinyDetector());
    const head = layers.slice(layers.findIndex(({ name }) => name.startsWith('head')));
    expect(head.map((layer) => line(layer, layers)).join('\n')).toMatchInlineSnapshot(`
      "head_neck8 = conv(block3_project_bn) 2x2x5
      head_neck8_bn = batch_norm(head_neck8) 2x2x5
      head_neck4 = conv(block2_add) 3x3x5
      head_neck4_bn = batch_norm(head_neck4) 3x3x5
      head_upsample4 = upsample(head_neck8_bn) 3x3x5
      head_add4 = add(head_neck4_bn, head_upsample4) 3x3x5
      head_act = activation(head_add4) 3x3x5
      head_tower1 = conv(head_act) 3x3x5
      head_tower1_bn = batch_norm(head_tower1) 3x3x5
      head_tower1_act = activation(head_tower1_bn) 3x3x5
      head_outputs = detections(head_tower1_act) 3x3x6"
    `);
    expect(layersOf(tinyDetector({ deepest: 4 })).some(({ kind }) => kind === 'upsample')).toBe(false);
  });

  it('has an output for each cell of its stride', () => {
    expect([outputShape(tinyDetector()), targetShape(tinyDetector())]).toEqual([
      [3, 3, 6],
      [3, 3, 5],
    ]);
    expect(outputShape(tinyDetector({ stride: 8 }))).toEqual([2, 2, 6]);
    const centroids = tinyDetector({ centroids: true });
    expect([outputShape(centroids), targetShape(centroids)]).toEqual([
      [3, 3, 2],
      [3, 3, 5],
    ]);
  });

  it('costs what its layers cost', () => {
    const network = tinyDetector();
    const trained = weightSpecs(network).filter(({ trainable }) => trainable);
    expect(costs(network).params).toBe(trained.reduce((sum, { shape }) => sum + product(shape), 0));
    expect(costs(network).layers.find(({ name }) => name === 'head_outputs')?.macs).toBe(3 * 3 * 5 * 6);
  });

  it('begins with background everywhere and boxes of 12 pixels', () => {
    const weights = initialWeights(tinyDetector(), 1);
    const size = Math.fround(Math.log(12 / 4));
    expect(weights.get('classes/bias')?.data).toEqual(new Float32Array(2).fill(-2.2));
    expect(weights.get('boxes/bias')?.data).toEqual(Float32Array.of(0, 0, size, size));
    expect(weights.get('boxes/kernel')?.shape).toEqual([5, 4]);
    const centroids = initialWeights(tinyDetector({ centroids: true }), 1);
    expect(centroids.has('boxes/kernel')).toBe(false);
    expect(centroids.get('classes/kernel')).toEqual(weights.get('classes/kernel'));
  });

  it.each(['boxes', 'centroids'])('is described with what it answers: %s', (answers) => {
    expect(
      describeNetwork(tinyDetector(answers === 'centroids' ? { centroids: true } : {}))
        .split('\n')
        .at(-1),
    ).toBe(`head: 3 x 3 map of stride 4, maps up to stride 8 added, 5 channels, 1 x conv 3x3, relu, ${answers}`);
  });

  it.each([
    tinyDetector(),
    tinyDetector({ centroids: true, stride: 8, depth: 2 }),
    tinyDetector({ segmentation: true, se: 0.6 }),
  ])('is cut to fewer channels, its head to one width: %#', (network) => {
    const groups = channelGroups(network);
    const specs = new Map(weightSpecs(network).map(({ name, shape }) => [name, shape]));
    for (const { axes, width } of groups)
      for (const { weight, axis } of axes) expect(specs.get(weight)?.[axis]).toBe(width);
    const head = groups.find(({ name }) => name.startsWith('head'));
    expect(head?.axes.map(({ weight }) => weight)).toEqual(
      expect.arrayContaining(['head_neck8/kernel', 'head_tower1/kernel', 'classes/kernel']),
    );
    const cut = shrinkNetwork(
      network,
      new Map([
        ['head_neck8', 3],
        ['block1_fused', 2],
      ]),
    );
    expect(detectionOf(cut ?? network)).toMatchObject({ width: 3 });
    expect(cut?.blocks[1]).toMatchObject({ filters: 2 });
  });
});

describe('spaces of detectors', () => {
  it('hold the network of a genotype up to its deepest map', async () => {
    const space = await makeSpace({ type: 'mobilenet', preset: 'mobilenetv2', width: 1, detect: { stride: 4 } }, boxes);
    const network = space.build(space.decisions.map(() => 0));
    expect(detectionOf(network)).toEqual({
      ...{ kind: 'detection', stride: 4, deepest: 16, width: 32, depth: 1, act: 'relu' },
    });
    const sides = layersOf(network).map(({ output }) => output[0]);
    expect(Math.min(...sides)).toBe(4);
    expect(space.find?.(network)).toEqual(space.canonical(space.decisions.map(() => 0)));
    expect(space.places?.(space.decisions.map(() => 0))).toHaveLength(network.blocks.length);
  });

  it('for centroids have heads without boxes, and coarser cells', async () => {
    const task = { ...boxes, maps: 'centroids' } as const;
    const space = await makeSpace({ type: 'mobilenet', preset: 'mobilenetv2', width: 1 }, task);
    const network = space.build(space.decisions.map(() => 0));
    expect(detectionOf(network)).toMatchObject({ stride: 8, centroids: true });
    expect(space.find?.(network)).toEqual(space.canonical(space.decisions.map(() => 0)));
  });

  it.each([
    [{ type: 'nas-bench-201' }, 'space.type: the networks of nas-bench-201 are classifiers, and the data has boxes'],
    [{ type: 'mobilenet', head: { filters: 8 } }, 'space.head is for classifiers, and the data has boxes'],
    [
      { type: 'blocks', blocks: [few, { ...few, depth: [0, 1] }], stem: { stride: 2 }, detect: { deepest: 8 } },
      'space.detect.deepest: there is no map of stride 8 in all networks: the last map of some has a stride of 4',
    ],
    [{ type: 'mobilenet', detect: { stride: 2 } }, 'detect.stride: Invalid option: expected one of 4|8|16'],
  ])('refuse %j', async (config, message) => {
    expect(await complaint(config, boxes)).toContain(message);
  });

  it('refuse a detection head for images with classes', async () => {
    expect(await complaint({ type: 'mobilenet', detect: { stride: 4 } })).toContain(
      'space.detect is for detectors and segmenters, and the data has neither boxes nor masks',
    );
  });
});
