import { Random } from '../../../base/random.js';
import type { ModelMetadata } from '../../../deploy/index.js';
import type { Network } from '../../../spaces/index.js';
import { initialWeights, type Model } from '../../../spaces/models/index.js';

/** Every kind of layer that members of a space share: depthwise kernels of several sizes, squeeze-excite, a dense layer. */
export const mixedNetwork: Network = {
  kind: 'network',
  input: [11, 9, 2],
  classes: 3,
  stem: { filters: 4, kernel: 3, stride: 2, act: 'hard_swish' },
  blocks: [
    { kind: 'mbconv', filters: 4, expand: 2, kernel: 5, stride: 1, se: 0.5, act: 'relu' },
    { kind: 'mbconv', filters: 6, expand: 1, kernel: 3, stride: 1, se: 0, act: 'relu' },
    { kind: 'fused_mbconv', filters: 6, expand: 2, kernel: 3, stride: 2, se: 0, act: 'swish' },
    { kind: 'basic', filters: 6, kernel: 3, stride: 1, act: 'relu6' },
  ],
  head: { filters: 8, act: 'hard_swish', hidden: 10, dropout: 0.2 },
};

/** Metadata of a classifier; pixels are normalised by mean 0.5 and standard deviation 0.25 where `more` gives no others. */
export const metadataFor = (
  input: Network['input'],
  classes: readonly string[],
  more: Partial<ModelMetadata> = {},
): ModelMetadata => ({
  classes: [...classes],
  layout: 'NHWC',
  input,
  mean: new Array<number>(input[2]).fill(0.5),
  std: new Array<number>(input[2]).fill(0.25),
  nas_version: '0.1.0',
  created: '2026-01-02T03:04:05.000Z',
  ...more,
});

/** A model as after training: all weights, and the statistics of batch norm, differ from their initial values. */
export function shaken(network: Network, seed = 1): Model {
  const random = new Random(seed, 'shaken');
  const weights = [...initialWeights(network, seed)].map(([name, { shape, data }]) => {
    const moved = data.map((value) => (Math.abs(value) + 0.1 * random.uniform()) * Math.sign(value + 1e-9));
    return [name, { shape, data: moved }] as const;
  });
  return { network, weights: new Map(weights) };
}

/** Options of an edge program that takes and gives floats. */
export const floatEdge = (directory: string) => ({ directory, io: 'float', rounding: 'exact', prefix: 'nas' }) as const;
