import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, it } from 'vitest';
import { blockedSupport } from '../../../compiler/index.js';
import { expectSameStep } from '../support/blocked-steps.js';

afterEach(() => tf.disposeVariables());

describe.skipIf((await blockedSupport()) === null)('a training step in the blocked layout', () => {
  it.each([
    ['gated, channels that do not fill blocks', 6],
    ['residual blocks', 16],
  ])('has the loss, gradients and statistics of the plain layout: %s, batch %i', expectSameStep);
});
