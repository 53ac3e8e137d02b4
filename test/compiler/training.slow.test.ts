import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { withVariableGradients } from './support/gradients.js';
import { variablesOf } from './support/models.js';
import { buildNetwork, smallNetworks } from './support/networks.js';
import { expectSameAsReference } from './support/reference.js';
import {
  batchFor,
  expectSameLosses,
  lossOf,
  minimising,
  optimizers,
  steps,
  trainCompiled,
  trainEagerly,
} from './support/training.js';

afterEach(() => tf.disposeVariables());

describe('the training step of a network', () => {
  it.each(Object.entries(smallNetworks))(
    "has the reference's loss, gradients and moving statistics: %s",
    async (name, network) => {
      const model = buildNetwork(network, name);
      await expectSameAsReference(withVariableGradients(lossOf(model), variablesOf(model)), batchFor(network, name));
    },
  );
});

describe(`${steps} steps of TF.js's own optimizers on a network`, () => {
  const network = smallNetworks['gated, two blocks'];
  it.each(Object.entries(optimizers))('%s: losses equal the eager ones to 4 digits', async (name, create) => {
    const batches = Array.from({ length: steps }, (_, i) => batchFor(network, i));
    const model = buildNetwork(network, name);
    const wrt = variablesOf(model);
    const { losses } = await trainCompiled(minimising(create(), lossOf(model), wrt), batches);
    const eager = trainEagerly(minimising(create(), lossOf(model), wrt), batches);
    expectSameLosses(losses, eager);
    expect(new Set(losses.map((loss) => loss.toFixed(3))).size).toBeGreaterThan(1);
  });
});
