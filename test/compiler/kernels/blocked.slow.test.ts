import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { blockedSupport } from '../../../compiler/index.js';
import { bothWays, expectSameStep, globalError, network, smoothNetworks } from '../support/blocked-steps.js';
import { mbconv } from '../support/networks.js';
import { relativeError } from '../support/reference.js';

afterEach(() => tf.disposeVariables());

describe.skipIf((await blockedSupport()) === null)('a training step in the blocked layout', () => {
  for (const name of Object.keys(smoothNetworks))
    it.each([16, 6])(`has the loss, gradients and statistics of the plain layout: ${name}, batch %i`, (batch) =>
      expectSameStep(name, batch),
    );

  it('has them also where large images are computed in parts', async () => {
    const description = network(32, 16, [
      mbconv(16, 4, 3, 1, 0.25),
      mbconv(24, 4, 3, 2),
      { kind: 'basic', filters: 64, kernel: 3, stride: 1, act: 'swish' },
    ]);
    const [blocked, plain] = await bothWays('parts', description, 64);
    expect(globalError(blocked, plain)).toBeLessThan(1e-5);
  });

  it.each(['relu', 'relu6', 'hard_swish'] as const)(
    'differs from the plain layout only at the edges of %s',
    async (act) => {
      const description = network(8, 16, [mbconv(16, 4, 3, 1, 0.25, act), mbconv(24, 4, 3, 2, 0, act)], act);
      const [blocked, plain] = await bothWays(act, description, 16);
      expect(globalError(blocked, plain)).toBeLessThan(1e-2);
      const [a, b] = [blocked['value'], plain['value']];
      expect(a && b && relativeError(a, b)).toBeLessThan(1e-5);
    },
  );
});
