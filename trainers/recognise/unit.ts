import type { WeightValue } from '../../spaces/models/index.js';
import type { ActivationLayer, KernelLayer, NormLayer } from './layers.js';

/** A kernel with the batch norm and the activation that follow it. */
export interface Unit {
  readonly kernel: KernelLayer;
  readonly norm: NormLayer | null;
  readonly act: ActivationLayer | null;
  readonly filters: number;
  /** Position of its last layer. */
  readonly end: number;
}

export const filled = (size: number, value: number): Float32Array => new Float32Array(size).fill(value);

/**
 * The weights of a unit by their names in our networks. A kernel without batch norm gets one that does nothing.
 * @param epsilon of all batch norms of the network
 */
export function unitWeights(
  { kernel, norm, filters }: Unit,
  name: string,
  epsilon: number,
): readonly (readonly [name: string, value: WeightValue])[] {
  const bias = kernel.bias ?? filled(filters, 0);
  const values =
    norm === null
      ? {
          gamma: filled(filters, 1),
          beta: bias,
          moving_mean: filled(filters, 0),
          moving_variance: filled(filters, 1 - epsilon),
        }
      : {
          gamma: norm.gamma,
          beta: norm.beta,
          moving_mean: norm.mean.map((mean, i) => mean - bias[i]),
          moving_variance: norm.variance.map((variance) => variance + norm.epsilon - epsilon),
        };
  return [
    [`${name}/${kernel.kind === 'depthwise' ? 'depthwise_kernel' : 'kernel'}`, kernel.weight],
    ...Object.entries(values).map(([role, data]) => [`${name}_bn/${role}`, { shape: [filters], data }] as const),
  ];
}
