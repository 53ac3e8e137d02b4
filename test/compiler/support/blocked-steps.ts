import '@tensorflow/tfjs-backend-cpu';
import { expect } from 'vitest';
import { resolveTarget } from '../../../compiler/index.js';
import type { Block, Network } from '../../../spaces/index.js';
import { withVariableGradients } from './gradients.js';
import { trainingOf } from './models.js';
import { distillationLoss, mbconv, type Act } from './networks.js';
import { differences, runCompiled, type Outputs } from './reference.js';
import { Sampler, type Samples } from './samples.js';

export const network = (size: number, stem: number, blocks: readonly Block[], act: Act = 'swish'): Network => ({
  kind: 'network',
  input: [size, size, 3],
  classes: 4,
  stem: { filters: stem, kernel: 3, stride: 1, act },
  blocks,
  head: { filters: 40, act, dropout: 0 },
});

/** Together they use every blocked lowering: widths that fill blocks and widths that do not, odd and even sizes. */
export const smoothNetworks: Readonly<Record<string, Network>> = {
  'widening and narrowing, 16 channels': network(8, 16, [
    mbconv(16, 4, 3, 1),
    mbconv(24, 4, 3, 2),
    mbconv(24, 3, 5, 1),
  ]),
  'gated, channels that do not fill blocks': network(8, 12, [
    mbconv(12, 1, 3, 1, 0.25),
    mbconv(20, 6, 5, 2, 0.25),
    mbconv(20, 3, 7, 1, 0.5),
  ]),
  'odd sizes': network(7, 9, [mbconv(9, 4, 3, 1, 0.25), mbconv(22, 2, 3, 2), mbconv(22, 1, 5, 1)]),
  'residual blocks': network(8, 16, [
    { kind: 'basic', filters: 16, kernel: 3, stride: 1, act: 'swish' },
    { kind: 'basic', filters: 24, kernel: 3, stride: 2, act: 'swish' },
    { kind: 'basic', filters: 24, kernel: 5, stride: 1, act: 'swish' },
  ]),
  'residual blocks of odd sizes': network(9, 10, [
    { kind: 'basic', filters: 18, kernel: 3, stride: 2, act: 'swish' },
    { kind: 'basic', filters: 18, kernel: 3, stride: 1, act: 'swish' },
  ]),
  'fused blocks': network(8, 16, [
    { kind: 'fused_mbconv', filters: 16, expand: 3, kernel: 3, stride: 1, se: 0, act: 'swish' },
    { kind: 'fused_mbconv', filters: 24, expand: 4, kernel: 3, stride: 2, se: 0.25, act: 'swish' },
    { kind: 'fused_mbconv', filters: 24, expand: 1, kernel: 3, stride: 1, se: 0, act: 'swish' },
  ]),
};

/** A batch of images, labels and a teacher's logits. */
export function samplesFor({ input, classes }: Network, batch: number, key: string): Samples {
  const sample = new Sampler('blocked', key);
  return {
    x: sample.normal([batch, ...input]),
    y: sample.labels(batch, classes),
    teacher: sample.normal([batch, classes], 2),
  };
}

/** Outputs and states of a training step, in the blocked layout and in the plain one. */
export async function bothWays(name: string, description: Network, batch: number): Promise<[Outputs, Outputs]> {
  const { logits, trainable } = trainingOf(description, name);
  const samples = samplesFor(description, batch, name);
  const step = withVariableGradients(({ x, y, teacher }) => distillationLoss(y, logits(x), teacher), trainable);
  const run = async (blocked: boolean): Promise<Outputs> => {
    const { outputs, states } = await runCompiled(step, samples, { target: await resolveTarget({ blocked }) });
    return { ...outputs, ...states };
  };
  return [await run(true), await run(false)];
}

/** Norm of the difference over all gradients, relative to the norm of all gradients. */
export function globalError(a: Outputs, b: Outputs): number {
  const all = (outputs: Outputs): number[] => Object.keys(b).flatMap((key) => [...(outputs[key]?.data ?? [])]);
  const [x, y] = [all(a), all(b)];
  const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  return norm(x.map((v, i) => v - y[i])) / norm(y);
}

/** Expects the same loss, gradients and statistics in both layouts. */
export async function expectSameStep(name: string, batch: number): Promise<void> {
  const [blocked, plain] = await bothWays(name, smoothNetworks[name], batch);
  expect(globalError(blocked, plain)).toBeLessThan(1e-5);
  expect(differences(blocked, plain, 1e-4, 0.05)).toEqual([]);
}
