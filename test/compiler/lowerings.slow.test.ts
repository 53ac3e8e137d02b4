import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, describe, expect, it } from 'vitest';
import { optimized } from '../../compiler/compile.js';
import { blockedSupport, graphHash, resolveTarget, targetWith, trace } from '../../compiler/index.js';
import { lowerings, type LoweringName } from '../../compiler/lowerings.js';
import type { Network } from '../../spaces/index.js';
import { network, samplesFor } from './support/blocked-steps.js';
import { withVariableGradients } from './support/gradients.js';
import { trainingOf } from './support/models.js';
import { distillationLoss, mbconv } from './support/networks.js';
import { differences, runCompiled, runEagerly, specsOf, type Inputs } from './support/reference.js';
import { minimising } from './support/training.js';

/** Meets every lowering. */
const description: Network = {
  ...network(8, 16, [
    mbconv(16, 3, 3, 1, 0.25),
    { kind: 'basic', filters: 24, kernel: 3, stride: 2, act: 'swish' },
    mbconv(24, 2, 3, 2),
  ]),
  head: { filters: 32, act: 'relu', dropout: 0 },
};

const { logits, trainable } = trainingOf(description, 'lowerings');
const samples = samplesFor(description, 16, 'lowerings');
const loss = ({ x, y, teacher }: Inputs): tf.Scalar => distillationLoss(y, logits(x), teacher);
const step = withVariableGradients(loss, trainable);
const assigningStep = minimising(tf.train.momentum(0.05, 0.9), loss, trainable);
const eager = runEagerly(step, samples).outputs;
const block = await blockedSupport();

afterAll(() => tf.disposeVariables());

/** A digest of the training step's graph. */
function digest(block: number | null, without: readonly LoweringName[]): string {
  const inputs = specsOf(samples);
  const target = targetWith(block, { without });
  return graphHash(optimized(trace(assigningStep, inputs, { target }), target).graph);
}

describe('the graph is another one without', () => {
  const whole = new Map([16, null].map((size) => [size, digest(size, [])]));
  for (const { name, needs } of lowerings)
    // Without the layout as a whole there is no block.
    it.skipIf(name === 'blocked layout')(name, () => {
      const settings = needs === 'blocked' ? [16] : [16, null];
      expect(settings.some((size) => digest(size, [name]) !== whole.get(size))).toBe(true);
    });
});

describe('a training step has the gradients of the eager one without', () => {
  for (const { name, needs } of lowerings)
    it.skipIf(needs === 'blocked' && block === null)(name, async () => {
      for (const blocked of needs === 'blocked' ? [true] : [true, false]) {
        const { outputs } = await runCompiled(step, samples, {
          target: await resolveTarget({ blocked, without: [name] }),
        });
        expect(differences(outputs, eager, 1e-4, 0.05)).toEqual([]);
      }
    });
});
