import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { digest, expected, input, network, workingNative } from '../../../trainers/native/self-test.js';
import { initialWeights } from '../../../spaces/models/index.js';
import { eagerly } from './run.js';

test('the numbers of the self-test are those of TF.js', async () => {
  const { features, gradients } = await eagerly(network, { ...input(), weights: initialWeights(network, 1), batch: 4 });
  expect(digest([features])).toBeCloseTo(expected.features, 4);
  expect(digest(gradients.values())).toBeCloseTo(expected.gradients, 4);
});

test("a comparison with TF.js leaves TF.js's own kernels to the other tests of the process", async () => {
  await eagerly(network, { ...input(), weights: initialWeights(network, 1), batch: 4 });
  // Windows as arrays, which the comparison's own gradient of average pools does not know.
  const gradient = tf.grad((x) => tf.sum(tf.avgPool(x as tf.Tensor4D, [2, 2], [2, 2], 'valid')));
  expect([...gradient(tf.ones([1, 2, 4, 1])).dataSync()]).toEqual(Array.from({ length: 8 }, () => 0.25));
});

test('the library passes its self-test, once per process', async () => {
  const found = workingNative();
  expect(await found).not.toHaveProperty('reason');
  expect(workingNative()).toBe(found);
});
