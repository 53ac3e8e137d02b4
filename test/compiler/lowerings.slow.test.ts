import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, describe, expect, it } from 'vitest';
import { optimized } from '../../compiler/compile.js';
import { blockedSupport, graphHash, resolveTarget, targetWith, trace } from '../../compiler/index.js';
import { lowerings, type LoweringName } from '../../compiler/lowerings.js';
import type { Network } from '../../spaces/index.js';
import { mbconv } from './support/blocks.js';
import { withVariableGradients } from './support/gradients.js';
import { trainingOf } from './support/models.js';
import { distillationLoss } from './support/networks.js';
import { differences, runCompiled, runEagerly, type Inputs } from './support/reference.js';
import { Sampler, type Samples } from './support/samples.js';

/** Meets every lowering but the one that cuts large images in parts. */
const network: Network = {
  kind: 'network',
  input: [8, 8, 3],
  classes: 4,
  stem: { filters: 16, kernel: 3, stride: 1, act: 'swish' },
  blocks: [
    mbconv(16, 3, 3, 1, 0.25),
    { kind: 'basic', filters: 24, kernel: 3, stride: 2, act: 'swish' },
    mbconv(24, 2, 3, 2),
  ],
  head: { filters: 32, act: 'relu', dropout: 0 },
};

const { logits, trainable } = trainingOf(network, 'lowerings');
const sample = new Sampler('lowerings');
const samples: Samples = {
  x: sample.normal([16, ...network.input]),
  y: sample.labels(16, network.classes),
  teacher: sample.normal([16, network.classes], 2),
};
const step = withVariableGradients(
  ({ x, y, teacher }: Inputs): tf.Scalar => distillationLoss(y, logits(x), teacher),
  trainable,
);
const optimizer = tf.train.momentum(0.05, 0.9);
const assigningStep = ({ x, y, teacher }: Inputs): tf.Tensor => {
  const loss = optimizer.minimize(() => distillationLoss(y, logits(x), teacher), true, trainable);
  if (!loss) throw new Error('minimize returned no loss');
  return loss;
};
const eager = runEagerly(step, samples).outputs;
const block = await blockedSupport();

afterAll(() => tf.disposeVariables());

/** A digest of the training step's graph for a batch so large that images are computed in parts. */
function digest(block: number | null, without: readonly LoweringName[]): string {
  const batch = 4096;
  const inputs = {
    x: { shape: [batch, ...network.input] },
    y: { shape: [batch, network.classes] },
    teacher: { shape: [batch, network.classes] },
  };
  const target = targetWith(block, { without });
  return graphHash(optimized(trace(assigningStep, inputs, { target }), target).graph);
}

describe('leaving out changes the graph:', () => {
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
