import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { activateBackend } from '../../../trainers/engines/index.js';
import { rescaledStem } from '../../../trainers/index.js';
import { apply, drawWeights, weightsFrom, weightSpecs } from '../../../spaces/models/index.js';
import { normalised } from '../../../trainers/pretrained/quick-head.js';
import { Random } from '../../../base/random.js';
import { tinyTeacher } from '../support/networks.js';

beforeAll(activateBackend);

it('gives the outputs of the other normalisation, where no zeros around the images count', () => {
  const from = { mean: [0.5], std: [0.5] };
  const to = { mean: [0.7], std: [0.06] };
  const network = { ...tinyTeacher(), stem: { ...tinyTeacher().stem, kernel: 1 } };
  const weights = drawWeights(weightSpecs(network), 3);
  const random = new Random(1, 'images');
  const shape = [2, ...network.input];
  const pixels = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.uniform());
  const outputs = (values: typeof weights, scale: typeof from): Float32Array =>
    tf.tidy(() =>
      Float32Array.from(
        apply(network, weightsFrom(values), tf.tensor(normalised(pixels, scale), shape), {
          training: false,
        }).logits.dataSync(),
      ),
    );
  const expected = outputs(weights, from);
  const found = outputs(rescaledStem(weights, from, to), to);
  found.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 4));
  expect(outputs(weights, to)).not.toEqual(expected);
  expect(rescaledStem(weights, from, from)).toBe(weights);
});
