import * as tf from '@tensorflow/tfjs-core';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { foreignNetwork } from '../../../compiler/index.js';
import { weightsFrom } from '../../../spaces/models/index.js';
import { comparing, normal, ownWeights } from './support.js';

const folder = fileURLToPath(new URL('fixtures/', import.meta.url));
const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(`${folder}${name}.onnx`));
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.onnx') ? [file.slice(0, -'.onnx'.length)] : []));

describe('networks of torchvision', () => {
  beforeAll(() => tf.setBackend('cpu'));

  it.each(names)('%s: the logits of ONNX Runtime, and its last layer', async (name) => {
    const { network, distance } = await comparing(fixture(name), name.endsWith('one-image') ? 1 : 2);
    expect(distance).toBeLessThan(1e-4);
    expect(network).toMatchObject({ input: [32, 32, 3], layout: 'NCHW', classes: 5 });
    expect(network.answer).toBe(name === 'flat-softmax' ? 'softmax' : 'logits');
    const features = tf.tidy(() => {
      const images = tf.tensor(normal(32 * 32 * 3, 'images'), [1, 32, 32, 3]);
      return network.apply(ownWeights(network), images, { training: false }).features?.shape;
    });
    expect(features).toEqual([1, network.head?.inputs]);
  });

  it('have the names of their weights, their shapes in TF.js, and their batch norms', () => {
    const { weights, norms } = foreignNetwork(fixture('mobilenet_v2'));
    const shapes = Object.fromEntries(weights.map(({ name, shape }) => [name, shape]));
    expect(shapes).toMatchObject({
      'features.0.0.weight': [3, 3, 3, 8],
      'features.1.conv.0.0.weight': [3, 3, 8, 1],
      'features.1.conv.1.weight': [1, 1, 8, 4],
      'classifier.weight': [24, 5],
      'classifier.bias': [5],
    });
    const fixed = weights.filter(({ isTrainable }) => !isTrainable).map(({ name }) => name);
    expect(fixed).toContain('features.0.1.running_mean');
    expect(fixed).toHaveLength(2 * norms.length);
    expect(norms[0]).toEqual({
      mean: 'features.0.1.running_mean',
      variance: 'features.0.1.running_var',
      momentum: expect.closeTo(0.9, 6) as number,
    });
  });

  it('have statistics that follow batches, also from PyTorch without a momentum, which writes 1', () => {
    const bytes = Buffer.from(fixture('mobilenet_v2'));
    for (let at = bytes.indexOf('momentum'); at >= 0; at = bytes.indexOf('momentum', at + 1)) {
      // The attribute's name, then the tag of its number.
      expect(bytes.readFloatLE(at + 9)).toBeCloseTo(0.9, 6);
      bytes.writeFloatLE(1, at + 9);
    }
    const { norms } = foreignNetwork(new Uint8Array(bytes));
    expect([...new Set(norms.map(({ momentum }) => momentum))]).toEqual([0.9]);
  });

  it('keep the names of weights that the file turns before it multiplies', () => {
    const { weights } = foreignNetwork(fixture('convnext'));
    const turned = weights.filter(({ shape }) => shape.length === 2).map(({ name }) => name);
    expect(turned).toContain('features.1.0.block.3.weight');
    expect(turned).toContain('classifier.2.weight');
  });

  it('of one image take any number of them', async () => {
    const [one, any] = ['shufflenet-one-image', 'shufflenet'].map((name) => foreignNetwork(fixture(name)));
    const images = tf.tensor(normal(3 * 32 * 32 * 3, 'images'), [3, 32, 32, 3]);
    const [own, other] = [one, any].map((network) =>
      network.apply(ownWeights(network), images, { training: false }).logits.dataSync(),
    );
    own.forEach((value, i) => expect(value).toBeCloseTo(other[i], 4));
    await Promise.resolve();
  });

  it.each(['mobilenet_v3', 'squeezenet', 'flat-softmax'])(
    '%s: a new head reads the features of the old one',
    (name) => {
      const network = foreignNetwork(fixture(name));
      const inputs = network.head?.inputs ?? 0;
      const head = { kernel: normal(inputs * 3, 'kernel'), bias: normal(3, 'bias') };
      const adapted = network.withHead(head);
      expect(adapted.classes).toBe(3);
      const of = adapted.weights.map(({ name: own }) => own);
      expect(of).toContain('head/kernel');
      expect(of.filter((own) => /^(classifier.3|8|0.7)\.weight$/.test(own))).toEqual([]);
      tf.tidy(() => {
        const images = tf.tensor(normal(2 * 32 * 32 * 3, 'images'), [2, 32, 32, 3]);
        const { features } = network.apply(ownWeights(network), images, { training: false });
        const { logits } = adapted.apply(ownWeights(adapted), images, { training: false });
        const expected = tf.add(
          tf.matMul(features as tf.Tensor2D, tf.tensor2d(head.kernel, [inputs, 3])),
          tf.tensor1d(head.bias),
        );
        expect(tf.max(tf.abs(tf.sub(logits, expected))).dataSync()[0]).toBeLessThan(1e-5);
      });
    },
  );

  it('ask for each weight in the shape that they list', () => {
    const network = foreignNetwork(fixture('regnet'));
    const asked = new Set<string>();
    const weights = ownWeights(network);
    const recording = (name: string, shape: readonly number[]): tf.Tensor => {
      asked.add(name);
      return weights(name, shape);
    };
    tf.tidy(() => network.apply(recording, tf.zeros([1, 32, 32, 3]), { training: false }).logits);
    expect([...asked].sort()).toEqual(network.weights.map(({ name }) => name).sort());
    const short = weightsFrom(new Map(network.weights.slice(1).map((weight) => [weight.name, weight])));
    expect(() => network.apply(short, tf.zeros([1, 32, 32, 3]), { training: false })).toThrow(network.weights[0].name);
  });
});
