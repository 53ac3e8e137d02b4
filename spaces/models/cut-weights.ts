import type { ChannelGroup, KeptChannels } from '../pruning/index.js';
import type { Weights, WeightValue } from './weights.js';

/** The entries of an axis at these indices, in this order. */
function taken({ shape, data }: WeightValue, axis: number, indices: readonly number[]): WeightValue {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const size = shape[axis];
  const outer = data.length / (size * inner);
  const kept = new Float32Array(outer * indices.length * inner);
  for (let o = 0; o < outer; o++)
    for (const [i, index] of indices.entries()) {
      const from = (o * size + index) * inner;
      kept.set(data.subarray(from, from + inner), (o * indices.length + i) * inner);
    }
  return { shape: shape.with(axis, indices.length), data: kept };
}

/**
 * The weights of a network whose groups keep these channels: all others are taken out of whatever makes, normalises and
 * reads them. What the channels that stay compute does not change, unless what reads them read the others, too.
 *
 * @param groups those of the network that the weights are of
 */
export function cutWeights(weights: Weights, groups: readonly ChannelGroup[], kept: KeptChannels): Weights {
  const cut = new Map(weights);
  for (const { name, axes } of groups) {
    const indices = kept.get(name);
    if (indices === undefined) continue;
    for (const { weight, axis } of axes) {
      const value = cut.get(weight);
      if (value === undefined) throw new Error(`there is no value for ${weight}`);
      cut.set(weight, taken(value, axis, indices));
    }
  }
  return cut;
}
