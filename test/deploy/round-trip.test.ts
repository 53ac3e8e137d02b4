import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import type { LearningTask } from '../../base/task.js';
import type { Block, Network } from '../../spaces/index.js';
import { mixedNetwork } from './support/classifiers.js';
import { subjectOf, surprises, type Target } from './support/round-trip.js';

beforeAll(() => tf.setBackend('cpu'));

/** Exports for the web compress 25 MB of ONNX Runtime; the slow test has them. */
const targets: readonly Target[] = ['onnx', 'fp16', 'int8', 'tfjs', 'tflite', 'c'];
/** What readers take for every network: the others differ in the kind of the file alone. */
const read = targets.slice(0, 4);

const plain = { kernel: 3, stride: 1, se: 0, act: 'relu' } as const;
const of = (blocks: readonly Block[], more: Partial<Network> = {}): Network => ({ ...mixedNetwork, ...more, blocks });

const networks: Readonly<Record<string, Network>> = {
  'inverted residuals, squeeze-excite and basic blocks': mixedNetwork,
  groups: of([{ kind: 'fused_mbconv', filters: 8, expand: 2, groups: 2, ...plain, stride: 2 }]),
  'separable blocks, in the style of torchvision': of(
    [
      { kind: 'separable', filters: 4, ...plain },
      { kind: 'conv', filters: 4, ...plain, stride: 2 },
    ],
    { style: { epsilon: 1e-5, padding: 'symmetric', gate: 'sigmoid' } },
  ),
  'max pools': of([
    { kind: 'pooled', ...plain, filters: 6, stride: 2, act: 'swish' },
    { kind: 'pooled', ...plain, filters: 6 },
    { kind: 'pooled', ...plain, filters: 5, stride: 2 },
  ]),
  bottlenecks: of(
    [
      { kind: 'bottleneck', ...plain, filters: 8, hidden: 4 },
      { kind: 'bottleneck', ...plain, filters: 8, hidden: 4 },
      { kind: 'bottleneck', ...plain, filters: 12, stride: 2, hidden: 4, middle: 6 },
    ],
    { stem: { filters: 6, kernel: 7, stride: 2, act: 'relu', pool: 3 }, style: { padding: 'symmetric' } },
  ),
  cells: of(
    [
      { kind: 'cell', cell: ['skip_connect', 'nor_conv_3x3', 'avg_pool_3x3', 'none', 'skip_connect', 'nor_conv_1x1'] },
      { kind: 'reduction', filters: 8 },
    ],
    { head: { filters: 0, norm: true, act: 'relu', dropout: 0 } },
  ),
  'a norm of the head behind a convolution': of(
    [{ kind: 'mbconv', filters: 6, expand: 2, ...plain, kernel: 1, stride: 2 }],
    { input: [3, 9, 2], head: { filters: 0, norm: true, act: 'relu', dropout: 0 } },
  ),
};

it.each(Object.entries(networks))('all readers read what each export wrote: %s', async (_, network) => {
  const subject = subjectOf(network);
  for (const target of network === mixedNetwork ? targets : read) expect(await surprises(subject, target)).toEqual([]);
});

const tasks: readonly LearningTask[] = [
  { type: 'multi-label' },
  { type: 'regression', mean: [31, -5, 2e5], std: [10, 0.01, 4e4] },
];

it.each(tasks)('all readers read what each export wrote: $type', async (task) => {
  const subject = subjectOf(mixedNetwork, task);
  for (const target of read) expect(await surprises(subject, target)).toEqual([]);
});
