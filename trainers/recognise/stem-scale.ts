import { rescaling, type PixelScale } from '../../base/preprocess.js';
import type { Weights } from '../../spaces/models/index.js';
import { stemKernel } from '../weights.js';

/**
 * The weights of a network for images of another normalisation: its stem undoes the difference. Only the zeros around the images stand for
 * other pixels then.
 * @param from the normalisation that the weights learned
 */
export function rescaledStem(weights: Weights, from: PixelScale, to: PixelScale): Weights {
  const kernel = weights.get(stemKernel);
  const mean = weights.get('stem_bn/moving_mean');
  if (kernel === undefined || mean === undefined) throw new Error('the network has no stem');
  const change = rescaling(to, from);
  if (change === null) return weights;
  const [, , channels, filters] = kernel.shape;
  const moved = Float64Array.from(mean.data);
  const data = kernel.data.map((value, i) => {
    const channel = Math.floor(i / filters) % channels;
    moved[i % filters] -= value * change.shifts[channel];
    return value * change.factors[channel];
  });
  return new Map([
    ...weights,
    [stemKernel, { ...kernel, data }],
    ['stem_bn/moving_mean', { ...mean, data: Float32Array.from(moved) }],
  ]);
}
