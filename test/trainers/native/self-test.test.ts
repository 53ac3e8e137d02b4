import { expect, test } from 'vitest';
import { digest, expected, input, network, workingNative } from '../../../trainers/native/self-test.js';
import { initialWeights } from '../../../spaces/models/index.js';
import { eagerly } from './run.js';

test('the numbers of the self-test are those of TF.js', async () => {
  const { features, gradients } = await eagerly(network, { ...input(), weights: initialWeights(network, 1), batch: 4 });
  expect(digest([features])).toBeCloseTo(expected.features, 4);
  expect(digest(gradients.values())).toBeCloseTo(expected.gradients, 4);
});

test('the library passes its self-test, once per process', async () => {
  const found = workingNative();
  expect(await found).not.toHaveProperty('reason');
  expect(workingNative()).toBe(found);
});
