import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, it } from 'vitest';
import { resolveTarget } from '../../compiler/index.js';
import { expectSameAsAlone } from './support/slices.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});
// Variables are named after their weights: other tests may have left some of these names.
beforeEach(() => tf.disposeVariables());

describe('a network whose weights are slices of larger ones has the loss and gradients of the network alone, bit for bit', () => {
  it('in the blocked layout: squeeze-excite, channels that fill no block', async () =>
    expectSameAsAlone('squeeze-excite, channels that fill no block', await resolveTarget()));

  it('in the plain layout: basic blocks', async () =>
    expectSameAsAlone('basic blocks', await resolveTarget({ blocked: false })));
});
