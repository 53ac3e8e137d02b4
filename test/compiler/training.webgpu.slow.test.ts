import * as tf from '@tensorflow/tfjs-core';
import { afterEach, expect, it } from 'vitest';
import { compile, targetWith } from '../../compiler/index.js';
import { describeOnWebGpu } from '../support/webgpu.js';
import { globalError, network, samplesFor } from './support/blocked-steps.js';
import { withVariableGradients } from './support/gradients.js';
import { trainingOf } from './support/models.js';
import { distillationLoss, mbconv } from './support/networks.js';
import { placementOf } from './support/placement.js';
import { runCompiled, specsOf } from './support/reference.js';

const [portable, webgpu] = ['cpu', 'webgpu'].map((provider) => targetWith(null, { provider }));
const description = network(12, 8, [mbconv(8, 2, 3, 1, 0.25), mbconv(16, 2, 3, 2)]);
const samples = samplesFor(description, 8, 'training on webgpu');

/** The loss and gradients of a small network. */
function stepOf(dropout: number) {
  const { logits, trainable } = trainingOf({ ...description, head: { ...description.head, dropout } }, 'webgpu');
  return withVariableGradients(({ x, y, teacher }) => distillationLoss(y, logits(x), teacher), trainable);
}

async function placementWith(dropout: number) {
  const program = await compile(stepOf(dropout), specsOf(samples), { target: webgpu });
  const placement = await placementOf(program, samples);
  await program.dispose();
  return placement;
}

afterEach(() => tf.disposeVariables());

describeOnWebGpu('a training step on the WebGPU provider', () => {
  it('has the gradients of the portable step on the CPU', async () => {
    const step = stepOf(0);
    const { outputs: reference } = await runCompiled(step, samples, { target: portable });
    const { outputs } = await runCompiled(step, samples, { target: webgpu });
    expect(globalError(outputs, reference)).toBeLessThan(1e-5);
  });

  it('runs there with all its nodes, and no value crosses', async () => {
    const { nodes, ...copies } = await placementWith(0);
    expect(Object.keys(nodes)).toEqual(['webgpu']);
    expect(copies).toEqual({ uploads: 0, downloads: 0, onCpu: [] });
  });

  it('has the noise of dropout made on the CPU, which is one upload', async () => {
    const { uploads, downloads, onCpu } = await placementWith(0.3);
    expect({ uploads, downloads }).toEqual({ uploads: 1, downloads: 0 });
    const operators = new Set(onCpu.map((node) => node.split(' ')[0]));
    expect([...operators].sort()).toEqual(['Add', 'BitShift', 'BitwiseXor', 'Cast', 'Mul']);
  });
});
