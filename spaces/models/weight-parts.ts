import * as tf from '@tensorflow/tfjs-core';
import { product } from '../../base/statistics.js';
import { extremes } from '../descent.js';
import type { Genotype } from '../genotype.js';
import { type Member, memberOf, sharedName, type Space } from '../space.js';
import { type WeightResolver, type Weights, type WeightSpec, weightSpecs, type WeightValue } from './weights.js';
import type { KeptChannels } from '../pruning/cuts.js';
import type { ChannelGroup } from '../pruning/groups.js';

/**
 * Offset of the part of shape `to` in a shared weight of shape `from`: the first channels, and the centre of a kernel,
 * because 'same' padding aligns the centres of kernels of all sizes.
 * @throws Error when the part is larger than the whole
 */
export function sliceOf(from: readonly number[], to: readonly number[]): number[] {
  if (from.length !== to.length || to.some((side, axis) => side > from[axis]))
    throw new Error(`a shared weight of shape [${from}] has no part of shape [${to}]`);
  // Kernels of convolutions have four axes, [height, width, ...].
  return from.map((side, axis) => (from.length === 4 && axis < 2 ? (side - to[axis]) >> 1 : 0));
}

/** The part of a shared weight that a member uses, as values. */
export function slicedTo({ shape: from, data }: WeightValue, shape: readonly number[]): WeightValue {
  const begin = sliceOf(from, shape);
  const strides = from.map((_, axis) => product(from.slice(axis + 1)));
  const sliced = new Float32Array(product(shape));
  const inner = shape.at(-1) ?? 1;
  for (let target = 0; target < sliced.length; target += inner) {
    let source = 0;
    for (let axis = shape.length - 1, rest = target; axis >= 0; axis--) {
      source += (begin[axis] + (rest % shape[axis])) * strides[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    sliced.set(data.subarray(source, source + inner), target);
  }
  return { shape, data: sliced };
}

/** A member's weights as static slices of shared weights. @param shared by shared name */
export const sharedWeights =
  (member: Member, shared: ReadonlyMap<string, tf.Tensor>): WeightResolver =>
  (name, shape) => {
    const own = sharedName(member, name);
    const whole = shared.get(own);
    if (whole === undefined) throw new Error(`there is no shared weight ${own}`);
    // A slice of the whole weight would be a copy.
    return String(whole.shape) === String(shape) ? whole : tf.slice(whole, sliceOf(whole.shape, shape), [...shape]);
  };

/** The genotype with the largest choice of each numeric decision; the other decisions as in `base`. */
const widest = ({ decisions }: Space, base: Genotype): Genotype =>
  decisions.map(({ choices }, i) => {
    const numbers = choices.filter((choice) => typeof choice === 'number');
    return numbers.length < choices.length ? base[i] : choices.indexOf(Math.max(...numbers));
  });

/**
 * The trainable weights that members of a space share, by shared name, each in the largest shape that any member has on
 * every axis. Moving statistics of batch norm are not shared.
 *
 * The search starts from the widest network. Whenever a network widens a weight, all networks that differ from it in one
 * decision are added: members without some part (a kind of block, earlier stages) may be wider elsewhere.
 * @throws NasError `invalid-input` when members of the space share no weights
 */
export function sharedSpecs(space: Space): readonly WeightSpec[] {
  const found = new Map<string, WeightSpec>();
  /** Adds a member; returns whether it widened a weight. */
  const add = (member: Member): boolean => {
    let wider = false;
    for (const spec of weightSpecs(member.network)) {
      if (!spec.trainable) continue;
      const name = sharedName(member, spec.name);
      const known = found.get(name) ?? { ...spec, name, shape: spec.shape.map(() => 0) };
      const shape = known.shape.map((side, axis) => Math.max(side, spec.shape[axis]));
      if (String(shape) === String(known.shape)) continue;
      wider = true;
      // The standard deviation falls as the sides grow.
      found.set(name, { ...known, shape, std: Math.min(known.std, spec.std) });
    }
    return wider;
  };
  const start = widest(space, extremes(space).largest.genotype);
  const around = add(memberOf(space, start)) ? [start] : [];
  for (const genotype of around)
    for (const [i, { choices }] of space.decisions.entries())
      for (const choice of choices.keys()) {
        const other = genotype.with(i, choice);
        if (choice !== genotype[i] && add(memberOf(space, other))) around.push(other);
      }
  return [...found.values()];
}

/** The entries of an axis at these indices, in order. */
function taken({ shape, data }: WeightValue, axis: number, indices: readonly number[]): WeightValue {
  const inner = product(shape.slice(axis + 1));
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
 * Removes all channels but the kept ones from the weights that make, normalise and read them. The kept channels compute
 * the same unless their readers also read removed channels.
 * @param groups of the uncut network
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
