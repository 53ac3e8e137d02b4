import type { Block, Network } from '../../spaces/index.js';
import { mbconv as mbconvBlock, type Act } from '../compiler/support/networks.js';

const mbconv =
  (act: Act) =>
  (filters: number, expand: number, kernel: number, stride: 1 | 2, se = 0): Block =>
    mbconvBlock(filters, expand, kernel, stride, se, act);
const basic = (filters: number, stride: 1 | 2): Block => ({ kind: 'basic', filters, kernel: 3, stride, act: 'relu' });

/** A network, and the batch size of its timed training step. */
export interface ReferenceNetwork {
  readonly network: Network;
  readonly batch: number;
}
const reference = (
  batch: number,
  input: [number, number, number],
  classes: number,
  stem: Network['stem'],
  blocks: readonly Block[],
  head: Network['head'],
): ReferenceNetwork => ({ batch, network: { kind: 'network', input, classes, stem, blocks, head } });

const [relu6, swish, relu, hardSwish] = [mbconv('relu6'), mbconv('swish'), mbconv('relu'), mbconv('hard_swish')];

/** The four networks of the training benchmark. */
export const referenceNetworks: Readonly<Record<string, ReferenceNetwork>> = {
  mbv2_32: reference(
    64,
    [32, 32, 3],
    10,
    { filters: 16, kernel: 3, stride: 1, act: 'relu6' },
    [
      relu6(16, 1, 3, 1),
      relu6(24, 4, 3, 2),
      relu6(24, 4, 3, 1),
      relu6(40, 4, 5, 2),
      relu6(40, 4, 5, 1),
      relu6(80, 4, 3, 2),
      relu6(80, 4, 3, 1),
    ],
    { filters: 256, act: 'relu6', dropout: 0 },
  ),
  mbv3_fashion: reference(
    128,
    [28, 28, 1],
    10,
    { filters: 16, kernel: 3, stride: 2, act: 'hard_swish' },
    [
      relu(16, 1, 3, 1),
      relu(24, 3, 3, 2),
      relu(24, 3, 3, 1, 0.25),
      hardSwish(40, 4, 5, 2, 0.25),
      hardSwish(40, 4, 5, 1, 0.25),
    ],
    { filters: 160, act: 'hard_swish', dropout: 0 },
  ),
  effnet_64: reference(
    32,
    [64, 64, 3],
    100,
    { filters: 24, kernel: 3, stride: 2, act: 'swish' },
    [
      swish(16, 1, 3, 1, 0.25),
      swish(24, 6, 3, 2, 0.25),
      swish(24, 6, 3, 1, 0.25),
      swish(40, 6, 5, 2, 0.25),
      swish(40, 6, 5, 1, 0.25),
      swish(80, 6, 3, 2, 0.25),
      swish(112, 6, 5, 1, 0.25),
    ],
    { filters: 320, act: 'swish', dropout: 0 },
  ),
  resnet_teacher_32: reference(
    64,
    [32, 32, 3],
    10,
    { filters: 32, kernel: 3, stride: 1, act: 'relu' },
    [basic(32, 1), basic(64, 2), basic(128, 2), basic(128, 1)],
    { filters: 256, act: 'relu', dropout: 0 },
  ),
};
