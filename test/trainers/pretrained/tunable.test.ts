import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import { foreignNetwork, type ForeignNetwork } from '../../../compiler/index.js';
import { tunableOf, type TunableOptions } from '../../../trainers/pretrained/tunable.js';
import { normal } from '../../compiler/foreign/support.js';

const classes = 4;

/** A fixture with a new head. */
function headed(fixture: string): ForeignNetwork {
  const file = readFileSync(new URL(`../${fixture}.onnx`, import.meta.url));
  const network = foreignNetwork(file, { where: fixture, ...(fixture.startsWith('recognise') && { size: [48, 48] }) });
  const inputs = network.head?.inputs ?? 0;
  return network.withHead({ kernel: normal(inputs * classes, 'kernel'), bias: normal(classes, 'bias') });
}

const options: TunableOptions = { scale: { mean: [0, 0, 0], std: [1, 1, 1] }, freeze: [], norms: 'frozen' };

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('a file with a new head is trained', () => {
  test.each(['mobilenetv2', 'mobilenetv3-small-folded', 'keras'])('as a network of a space: %s', (name) => {
    const network = headed(`recognise/fixtures/${name}`);
    const tunable = tunableOf(network, options);
    expect(tunable.unlike).toBeNull();
    const weights = new Map(network.weights.map((weight) => [weight.name, weight]));
    tf.tidy(() => {
      const images = tf.tensor(normal(2 * 48 * 48 * 3, 'images'), [2, 48, 48, 3]);
      const source = (own: string) => {
        const { shape, data } = weights.get(own) ?? expect.fail(own);
        return tf.tensor(data, [...shape]);
      };
      const expected = network.apply(source, images, { training: false }).logits.dataSync();
      const found = tunable.logits(tunable.initial, images).dataSync();
      found.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 3));
    });
  });

  test('on images that are normalised as the file normalises them', () => {
    const { scale } = tunableOf(headed('recognise/fixtures/keras'), {
      ...options,
      scale: { mean: [0.5, 0, 0], std: [1 / 255, 1 / 255, 1 / 127.5] },
    });
    const rounded = (values: readonly number[]) => values.map((value) => Number(value.toFixed(4)));
    expect(rounded(scale.mean)).toEqual([1, 0.45, 0.8]);
    expect(rounded(scale.std)).toEqual([0.5, 0.5, 1]);
  });

  test('at rates that fall with the inputs of a kernel; what stands for a folded norm does not scale', () => {
    const { rates, initial } = tunableOf(headed('recognise/fixtures/mobilenetv3-small-folded'), options);
    expect(rates.get('stem/kernel')).toBe(1);
    const [widest] = [...initial]
      .filter(([, { shape }]) => shape.length === 4 && shape[3] > 1)
      .sort(([, a], [, b]) => b.shape[2] - a.shape[2]);
    expect(widest[1].shape[2]).toBeGreaterThan(64);
    expect(rates.get(widest[0])).toBeCloseTo(64 / widest[1].shape[2], 10);
    expect(rates.get('stem_bn/gamma')).toBe(0);
    expect(rates.get('stem_bn/beta')).toBeGreaterThan(0);
  });

  test.each<[string, string, Partial<TunableOptions>, RegExp]>([
    ['with frozen weights', 'recognise/fixtures/mobilenetv2', { freeze: ['*'] }, /^freeze names weights of the file$/],
    [
      'whose folded norms are followed',
      'recognise/fixtures/mobilenetv3-small-folded',
      { norms: 'followed' },
      /^its batch norms, which are followed, are folded into kernels$/,
    ],
    ['of other layers', '../compiler/foreign/fixtures/convnext', {}, /Conv '.*' has a kernel of 4 x 4$/],
  ])('as the function of its file: a network %s', (_, fixture, own, why) => {
    const network = headed(fixture);
    const tunable = tunableOf(network, { ...options, ...own });
    expect(tunable.unlike).toMatch(why);
    expect(tunable.network).toBe(network);
  });
});
