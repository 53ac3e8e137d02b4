import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, it } from 'vitest';
import { resolveTarget } from '../../compiler/index.js';
import { expectSameAsAlone, pairs } from './support/slices.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});
// Variables are named after their weights: other tests may have left some of these names.
beforeEach(() => tf.disposeVariables());

describe('a network whose weights are slices of larger ones has the loss and gradients of the network alone, bit for bit', () => {
  for (const key of Object.keys(pairs))
    it.each([true, false])(`${key}, blocked: %s`, async (blocked) =>
      expectSameAsAlone(key, await resolveTarget({ blocked })),
    );
});
