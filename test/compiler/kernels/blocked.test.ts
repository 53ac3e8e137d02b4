import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { blockedSupport } from '../../../compiler/index.js';
import { bothWays, expectSameStep, globalError, network } from '../support/blocked-steps.js';
import { mbconv } from '../support/blocks.js';
import { relativeError } from '../support/reference.js';

afterEach(() => tf.disposeVariables());

describe.skipIf((await blockedSupport()) === null)('a training step in the blocked layout', () => {
  it.each([
    ['gated, channels that do not fill blocks', 6],
    ['residual blocks', 16],
  ])('has the loss, gradients and statistics of the plain layout: %s, batch %i', expectSameStep);

  it('differs from the plain layout only at the edges of a ReLU6', async () => {
    const description = network(8, 16, [mbconv(16, 4, 3, 1, 0.25, 'relu6'), mbconv(24, 4, 3, 2, 0, 'relu6')], 'relu6');
    const [blocked, plain] = await bothWays('relu6', description, 16);
    expect(globalError(blocked, plain)).toBeLessThan(1e-2);
    const [a, b] = [blocked['value'], plain['value']];
    expect(a && b && relativeError(a, b)).toBeLessThan(1e-5);
  });
});
