import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { checkExport, exportOnnx, type ModelMetadata } from '../../deploy/index.js';
import { costs, createSpace, sampleGenotype, spaceSchema, type Network, type Task } from '../../spaces/index.js';
import { apply, initialWeights, weightsFrom, type Model } from '../../spaces/models/index.js';
import { createEngine, trainSchema, type EngineConfig } from '../../trainers/index.js';
import { lossSchema } from '../../trainers/schema.js';
import { noiseBatch, update } from '../trainers/support/networks.js';

const task: Task = { input: [8, 8, 3], classes: 5 };

/** Published spaces, at sizes that TF.js's own CPU backend can compute in a test. */
const configs = [
  { type: 'nas-bench-201', filters: 4, cells: 1 },
  { type: 'fbnet' },
  { type: 'ofa-mobilenetv3', width: 0.25, resolution: 32 },
] as const;

/** The smallest of some random networks. */
async function randomNetwork(config: (typeof configs)[number]): Promise<Network> {
  const space = await createSpace(spaceSchema.parse(config), task);
  const random = new Random(3, config.type);
  const networks = Array.from({ length: 30 }, () => space.build(sampleGenotype(space, random)));
  return networks.reduce((a, b) => (costs(b).params < costs(a).params ? b : a));
}

/** All weights away from what they start as, batch norm's statistics too. */
function shaken(network: Network): Model {
  const random = new Random(1, 'shaken');
  const weights = [...initialWeights(network, 1)].map(([name, { shape, data }]) => {
    const moved = data.map((value) => (Math.abs(value) + 0.1 * random.uniform()) * Math.sign(value + 1e-9));
    return [name, { shape, data: moved }] as const;
  });
  return { network, weights: new Map(weights) };
}

const metadata: ModelMetadata = {
  classes: Array.from({ length: task.classes }, (_, i) => `class ${i}`),
  layout: 'NHWC',
  input: task.input,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  nas_version: '0',
  created: '2026-01-01T00:00:00.000Z',
};

/** Losses of some training steps on one batch. */
async function losses(engineConfig: EngineConfig, network: Network, steps: number): Promise<number[]> {
  const { optimizer } = trainSchema.parse({ optimizer: { type: 'sgd', learning_rate: 0.05 } });
  const spec = {
    network,
    seed: 7,
    loss: lossSchema.parse({ type: 'cross-entropy' }),
    optimizer,
    ema: 0,
    teacher: null,
  };
  const engine = await createEngine(engineConfig, () => spec, { threads: 1, batch: 2 });
  const found: number[] = [];
  for (let step = 0; step < steps; step++)
    found.push((await update(engine, noiseBatch(network, 2, 0), 0.05, step)).loss);
  await engine.dispose();
  return found;
}

describe.each(configs)('networks of $type', (config) => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('are exported to ONNX files that compute what TF.js does', async () => {
    const model = shaken(await randomNetwork(config));
    expect(await checkExport(exportOnnx(model, metadata), model)).toBeLessThan(1e-4);
  });

  it('are trained', async () => {
    const [first, second] = await losses({ type: 'compiled', provider: 'cpu' }, await randomNetwork(config), 2);
    expect(first).toBeCloseTo(Math.log(task.classes), 0);
    expect(second).toBeLessThan(first);
  });
});

/** What published spaces add to the layers of the others: groups, shuffles, poolings, zeros, norms before activations. */
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
    { kind: 'mbconv', filters: 6, kernel: 3, stride: 1, act: 'relu', expand: 1, se: 0, groups: 2 },
    { kind: 'mbconv', filters: 8, kernel: 5, stride: 1, act: 'relu', expand: 3, se: 0, groups: 2 },
    { kind: 'conv', filters: 6, kernel: 1, stride: 1, act: 'relu' },
  ],
  head: { filters: 0, act: 'relu', norm: true, dropout: 0 },
};

describe('layers of published spaces', () => {
  it('are trained as TF.js trains them', async () => {
    const compiled = await losses({ type: 'compiled', provider: 'cpu' }, everyNewLayer, 3);
    const eager = await losses({ type: 'eager', backend: 'cpu', provider: 'cpu' }, everyNewLayer, 3);
    for (const [i, loss] of eager.entries()) expect(Math.abs(loss / compiled[i] - 1)).toBeLessThan(1e-4);
    expect(compiled[2]).toBeLessThan(compiled[0]);
  });

  it('give constant logits where nothing reaches the output', async () => {
    const network = await randomNetwork(configs[0]);
    const none = { kind: 'cell', cell: ['none', 'none', 'none', 'none', 'none', 'none'] } as const;
    const zero: Network = { ...network, blocks: network.blocks.map((block) => (block.kind === 'cell' ? none : block)) };
    const model = shaken(zero);
    const images = tf.randomNormal([2, ...task.input], 0, 1, 'float32', 4);
    const [a, b] = apply(zero, weightsFrom(model.weights), images, {
      training: false,
    }).logits.arraySync() as number[][];
    expect(a).toEqual(b);
    expect(await checkExport(exportOnnx(model, metadata), model)).toBeLessThan(1e-4);
    const [first, second] = await losses({ type: 'compiled', provider: 'cpu' }, zero, 2);
    expect(second).toBeLessThan(first);
  });
});
