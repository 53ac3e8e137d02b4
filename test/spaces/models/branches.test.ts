import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { costs, foldedNetwork, layersOf, trainedLayersOf, type Network } from '../../../spaces/index.js';
import {
  apply,
  foldBranches,
  toLayersModel,
  toOnnx,
  weightsFrom,
  weightSpecs,
  type Model,
} from '../../../spaces/models/index.js';
import { branchedNetworks } from '../networks.js';

/** Weights and statistics as after a training: none is at its initial value. */
function trained(network: Network, seed: number): Model {
  const random = new Random(seed);
  const weights = weightSpecs(network).map(({ name, shape, std }) => {
    const isVariance = name.endsWith('/moving_variance');
    const value = (): number =>
      isVariance ? 0.2 + random.uniform() : (name.endsWith('/gamma') ? 1 : 0) + 0.4 * random.normal();
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
      std > 0 ? std * random.normal() : value(),
    );
    return [name, { shape, data }] as const;
  });
  return { network, weights: new Map(weights) };
}

const imagesFor = ({ network: { input } }: Model): tf.Tensor => tf.randomNormal([2, ...input], 0, 1, 'float32', 1);

const logitsOf = ({ network, weights }: Model, images: tf.Tensor): Float32Array =>
  apply(network, weightsFrom(weights), images, { training: false }).logits.dataSync() as Float32Array;

/** The largest difference, relative to the largest logit. */
const difference = (found: Float32Array, expected: Float32Array): number => {
  const largest = Math.max(1e-3, ...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(value - found[i]))) / largest;
};

/** 16 x 16 pixels; the last block has neither another width nor another size of map. */
const network: Network = {
  kind: 'network',
  input: [16, 15, 3],
  classes: 3,
  stem: { filters: 4, kernel: 3, stride: 2, act: 'relu' },
  blocks: [
    { kind: 'separable', filters: 6, kernel: 5, stride: 2, act: 'relu', se: 0.5, branches: 3 },
    { kind: 'conv', filters: 6, kernel: 3, stride: 1, act: 'hard_swish', branches: 1 },
  ],
  head: { filters: 8, act: 'relu', dropout: 0 },
};

describe('folding branches', () => {
  it('keeps the logits of random networks, whatever their strides, paddings and sizes', () => {
    let branched = 0;
    fc.assert(
      fc.property(branchedNetworks, fc.nat(), (network, seed) => {
        const model = trained(network, seed);
        const folded = foldBranches(model);
        tf.tidy(() => {
          const images = imagesFor(model);
          expect(difference(logitsOf(folded, images), logitsOf(model, images))).toBeLessThan(1e-4);
        });
        expect(folded.network).toEqual(foldedNetwork(network));
        expect([...folded.weights.keys()]).toEqual(weightSpecs(folded.network).map(({ name }) => name));
        if (folded.network !== network) branched++;
        else expect(folded.weights).toBe(model.weights);
      }),
      { numRuns: 40 },
    );
    expect(branched).toBeGreaterThan(8);
  });

  it('is done by every export, and twice is as good as once', async () => {
    const model = trained(network, 1);
    const folded = foldBranches(model);
    expect(foldBranches(folded)).toEqual(folded);
    expect(toOnnx(model)).toEqual(toOnnx(folded));
    const images = imagesFor(model);
    const expected = logitsOf(model, images);
    const layers = toLayersModel(model);
    expect(difference((layers.predict(images) as tf.Tensor).dataSync() as Float32Array, expected)).toBeLessThan(1e-4);
    layers.dispose();
    const session = await InferenceSession.create(toOnnx(model), { intraOpNumThreads: 1 });
    const feeds = { [session.inputNames[0]]: new Tensor('float32', images.dataSync() as Float32Array, images.shape) };
    const found = (await session.run(feeds))[session.outputNames[0]].data as Float32Array;
    await session.release();
    images.dispose();
    expect(difference(found, expected)).toBeLessThan(1e-4);
  });
});

describe('a network with branches', () => {
  it('costs and runs as one without', () => {
    const folded = foldedNetwork(network);
    expect(folded.blocks.some((block) => 'branches' in block)).toBe(false);
    expect(costs(network)).toEqual(costs(folded));
    expect(layersOf(network)).toEqual(layersOf(folded));
    expect(trainedLayersOf(folded)).toBe(layersOf(folded));
  });

  it('has copies, a convolution of one pixel where the kernel is larger, and the identity where the shape stays', () => {
    const branches = (convolution: string): string[] =>
      trainedLayersOf(network).flatMap(({ kind, name }) =>
        kind === 'batch_norm' && new RegExp(`^${convolution}(_copy\\d|_point|_skip)?_bn$`).test(name) ? [name] : [],
      );
    expect(branches('block1_dw')).toEqual(
      ['dw_bn', 'dw_copy2_bn', 'dw_copy3_bn', 'dw_point_bn'].map((own) => `block1_${own}`),
    );
    expect(branches('block1_pw')).toEqual(['pw_bn', 'pw_copy2_bn', 'pw_copy3_bn'].map((own) => `block1_${own}`));
    expect(branches('block2')).toEqual(['block2_bn', 'block2_point_bn', 'block2_skip_bn']);
  });
});
