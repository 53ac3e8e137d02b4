import '@tensorflow/tfjs-backend-cpu';
// TF.js's gradients are registered with its layers.
import '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withNoise } from '../../../compiler/index.js';
import { activations, layersOf, ownStyle, type Activation, type Block, type Network } from '../../../spaces/index.js';
import {
  apply,
  followStatistics,
  initialWeights,
  weightsFrom,
  weightSpecs,
  weightVariables,
  type WeightResolver,
} from '../../../spaces/models/index.js';
import { handNetwork, smallNetworks } from '../networks.js';

const inference = { training: false };

/** Images that no two channels or pixels of share a value. */
const imagesFor = ({ input: [height, width, channels] }: Network): tf.Tensor =>
  tf.reshape(tf.sin(tf.range(0, 2 * height * width * channels, 1, 'float32')), [2, height, width, channels]);

const started = (network: Network, seed = 1): WeightResolver => weightsFrom(initialWeights(network, seed));
const numbers = (tensor: tf.Tensor): number[] => [...tensor.dataSync()];

/** What some layers give in inference. */
const outputs = (network: Network, weights: WeightResolver, names: readonly string[], images = imagesFor(network)) =>
  apply(network, weights, images, { ...inference, features: names }).features;

const hardSigmoid = (x: number): number => Math.min(6, Math.max(0, x + 3)) / 6;
const formulas: { readonly [A in Activation]: (x: number) => number } = {
  relu: (x) => Math.max(0, x),
  relu6: (x) => Math.min(6, Math.max(0, x)),
  hard_swish: (x) => x * hardSigmoid(x),
  swish: (x) => x / (1 + Math.exp(-x)),
};

describe('apply', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('gives the layers of layersOf in their shapes, and asks for each weight once', () => {
    fc.assert(
      fc.property(smallNetworks, (network) => {
        const asked: string[] = [];
        const weights = started(network);
        const layers = layersOf(network);
        const { logits, features } = apply(
          network,
          (name, shape) => {
            asked.push(name);
            return weights(name, shape);
          },
          imagesFor(network),
          { ...inference, features: layers.map(({ name }) => name) },
        );
        expect(asked).toEqual(weightSpecs(network).map(({ name }) => name));
        expect(logits.shape).toEqual([2, network.classes]);
        for (const [i, { output }] of layers.entries()) {
          const [batch, ...shape] = features[i].shape;
          expect(batch).toBe(2);
          expect(shape.length === 1 ? [1, 1, ...shape] : shape).toEqual(output);
        }
      }),
      { numRuns: 15 },
    );
  });

  it.each(activations)('computes %s', (act) => {
    const network: Network = {
      kind: 'network',
      input: [1, 11, 1],
      classes: 2,
      stem: { filters: 1, kernel: 1, stride: 1, act },
      blocks: [],
      head: { filters: 0, act, dropout: 0 },
    };
    const x = tf.reshape(tf.mul(tf.range(-5, 6, 1, 'float32'), 4), [1, 1, 11, 1]);
    const [before, after] = outputs(network, started(network, 0), ['stem_bn', 'stem_act'], x).map(numbers);
    expect(Math.max(...before)).toBeGreaterThan(1);
    for (const [i, value] of after.entries()) expect(value).toBeCloseTo(formulas[act](before[i]), 5);
  });

  it('scales the channels of squeeze-excite by relu and hard sigmoid of the pooled map', () => {
    const weights = started(handNetwork, 2);
    const [map, scaled] = outputs(handNetwork, weights, ['block1_depthwise_act', 'block1_se_scale']);
    const kernel = (name: string): tf.Tensor2D => {
      const { shape } = weightSpecs(handNetwork).find((spec) => spec.name === name) ?? { shape: [] };
      return weights(name, shape) as tf.Tensor2D;
    };
    const hidden = tf.relu(tf.matMul(tf.mean<tf.Tensor2D>(map, [1, 2]), kernel('block1_se_reduce/kernel')));
    const gate = numbers(tf.matMul(hidden, kernel('block1_se_expand/kernel'))).map(hardSigmoid);
    const expected = tf.mul(map, tf.tensor(gate, [2, 1, 1, 8]));
    expect(tf.max(tf.abs(tf.sub(expected, scaled))).dataSync()[0]).toBeLessThan(1e-6);
    expect(new Set(gate.map((g) => g.toFixed(4))).size).toBeGreaterThan(2);
  });

  it('mixes channels within groups only', () => {
    const grouped: Network = {
      kind: 'network',
      input: [1, 1, 2],
      classes: 2,
      stem: { filters: 6, kernel: 1, stride: 1, act: null },
      blocks: [{ kind: 'fused_mbconv', filters: 6, kernel: 1, stride: 2, act: 'relu', expand: 1, se: 0, groups: 2 }],
      head: { filters: 0, act: 'relu', dropout: 0 },
    };
    const weights = started(grouped, 6);
    const [x, mixed] = outputs(grouped, weights, ['stem_bn', 'block1_fused']).map((map) => numbers(map).slice(0, 6));
    const kernel = (group: number): number[] => numbers(weights(`block1_fused_group${group}/kernel`, [1, 1, 3, 3]));
    expect(kernel(1)).not.toEqual(kernel(2));
    // Kernels are [1, 1, in, out]: each group has three of six channels.
    const expected = [0, 1, 2, 3, 4, 5].map((out) => {
      const group = Math.floor(out / 3);
      return [0, 1, 2].reduce((sum, i) => sum + x[3 * group + i] * kernel(group + 1)[3 * i + (out % 3)], 0);
    });
    expected.forEach((value, i) => expect(mixed[i]).toBeCloseTo(value, 5));
  });

  it('normalises by the batch in training, and tells what it saw', () => {
    const seen = new Map<string, number[]>();
    const variables = weightVariables({ network: handNetwork, weights: initialWeights(handNetwork, 1) });
    const follow = followStatistics(variables, ownStyle);
    const { features } = withNoise({ seed: 1, step: 0 }, () =>
      apply(handNetwork, weightsFrom(variables), imagesFor(handNetwork), {
        training: true,
        features: ['stem', 'stem_bn'],
        statistics: (layer, batch) => {
          seen.set(layer, numbers(batch.mean));
          follow(layer, batch);
        },
      }),
    );
    const [x, y] = features;
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    expect([...seen.keys()]).toEqual(
      layersOf(handNetwork)
        .filter(({ kind }) => kind === 'batch_norm')
        .map(({ name }) => name),
    );
    expect(seen.get('stem_bn')).toEqual(numbers(mean));
    const expected = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, ownStyle.epsilon)));
    expect(tf.max(tf.abs(tf.sub(expected, y))).dataSync()[0]).toBeLessThan(1e-4);
    const moved = numbers(mean).map((value) => (1 - ownStyle.momentum) * value);
    variables
      .get('stem_bn/moving_mean')
      ?.dataSync()
      .forEach((value, i) => expect(value).toBeCloseTo(moved[i], 6));
    tf.dispose([...variables.values()]);
  });

  it('pads, normalises and gates by the style', () => {
    const style = { epsilon: 0.5, padding: 'symmetric', squeeze: 'swish', gate: 'sigmoid' } as const;
    const block = { ...handNetwork.blocks[0], stride: 2 } as Block;
    const network: Network = { ...handNetwork, input: [8, 6, 2], blocks: [block], style };
    const names = ['stem', 'stem_bn', 'block1_se_reduce', 'block1_se_reduce_act', 'block1_se_expand', 'block1_se_gate'];
    const weights = started(network);
    const images = imagesFor(network) as tf.Tensor4D;
    const { features } = apply(network, weights, images, { ...inference, features: names });
    const [stem, normalised, reduced, squeezed, expanded, gated] = features;
    const edge: [number, number] = [1, 1];
    const padded = tf.pad(images, [[0, 0], edge, edge, [0, 0]]);
    const expected = tf.conv2d(padded, weights('stem/kernel', [3, 3, 2, 4]) as tf.Tensor4D, 2, 'valid');
    const close = (found: tf.Tensor, wanted: tf.Tensor): void =>
      numbers(wanted).forEach((value, i) => expect(numbers(found)[i]).toBeCloseTo(value, 5));
    close(stem, expected);
    // The first images' statistics are 0 and 1.
    close(normalised, tf.div(stem, Math.sqrt(1.5)));
    close(squeezed, tf.mul(reduced, tf.sigmoid(reduced)));
    close(gated, tf.sigmoid(expanded));
    const same = apply({ ...network, style: {} }, weights, images, { ...inference, features: ['stem'] }).features[0];
    expect(numbers(same)).not.toEqual(numbers(stem));
  });

  it('needs no moving statistics in training, and no noise in inference', () => {
    const network: Network = { ...handNetwork, head: { ...handNetwork.head, dropout: 0.5 } };
    const weights = started(network);
    const asked: string[] = [];
    const { logits } = withNoise({ seed: 1, step: 0 }, () =>
      apply(
        network,
        (name, shape) => {
          asked.push(name);
          return weights(name, shape);
        },
        imagesFor(network),
        { training: true },
      ),
    );
    expect(logits.shape).toEqual([2, network.classes]);
    expect(asked.filter((name) => name.includes('moving'))).toEqual([]);
    const plain = apply({ ...network, head: handNetwork.head }, weights, imagesFor(network), inference);
    expect(numbers(apply(network, weights, imagesFor(network), inference).logits)).toEqual(numbers(plain.logits));
  });

  it('drops units of the rate, scales the others, by the noise of the step', () => {
    const network: Network = { ...handNetwork, head: { ...handNetwork.head, filters: 400, dropout: 0.25 } };
    const at = (step: number): number[] =>
      withNoise({ seed: 3, step }, () => {
        const features = ['head_pool', 'head_hidden_act', 'head_dropout'].filter((name) =>
          layersOf(network).some((layer) => layer.name === name),
        );
        const found = apply(network, started(network), imagesFor(network), { training: true, features }).features;
        const [before, after] = found.slice(-2);
        return numbers(tf.div(after, before));
      });
    const ratios = at(0).filter((ratio) => !Number.isNaN(ratio));
    const dropped = ratios.filter((ratio) => ratio === 0).length / ratios.length;
    // Four standard deviations of the share.
    expect(Math.abs(dropped - 0.25)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / ratios.length));
    for (const ratio of ratios) if (ratio !== 0) expect(ratio).toBeCloseTo(1 / 0.75, 4);
    expect(at(0)).toEqual(at(0));
    expect(at(1)).not.toEqual(at(0));
  });

  it('leaves nothing behind in inference but what it gives', () => {
    const variables = weightVariables({ network: handNetwork, weights: initialWeights(handNetwork, 1) });
    const images = imagesFor(handNetwork);
    const before = tf.memory().numTensors;
    const { logits, features } = apply(handNetwork, weightsFrom(variables), images, {
      ...inference,
      features: ['stem_bn'],
    });
    expect(tf.memory().numTensors).toBe(before + 2);
    expect([images, logits, ...features].every(({ isDisposed }) => !isDisposed)).toBe(true);
    tf.dispose([...variables.values()]);
  });
});
