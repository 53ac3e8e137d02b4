import { type Layer, type LayerKind, layersOf, type Network } from '../../spaces/index.js';
import * as tf from '@tensorflow/tfjs-core';
import { rounded, roundedByChannel, type Steps } from '../../compiler/index.js';
import type { Mode, WeightResolver } from '../../spaces/models/index.js';

/** Values that an int8 model holds in bytes: where they come from, and what is known of their range beforehand. */
export interface Point {
  /** The layer whose output they are. */
  readonly layer: string;
  /** Of one image. */
  readonly size: number;
  /** The range begins here at the lowest: what is below makes no difference to those that read it. */
  readonly floor: number;
}

/** What becomes of a layer's output. */
type Way =
  /** It has bytes of its own. */
  | 'bytes'
  /** As `bytes`, unless saturation does the work of the one that reads it: those are its bytes then. */
  | 'saturating'
  /** As `saturating`, unless a batch norm is folded into it. */
  | 'folding'
  /** A gate: its range is [0, 1]. */
  | 'gate'
  /** What it reads moves, or goes through. */
  | 'same';

const ways: { readonly [K in LayerKind]: (layer: Layer) => Way } = {
  input: () => 'bytes',
  conv: () => 'folding',
  depthwise: () => 'folding',
  batch_norm: () => 'saturating',
  activation: (layer) => (layer.kind === 'activation' && layer.act === 'hard_sigmoid' ? 'gate' : 'bytes'),
  avg_pool: () => 'bytes',
  global_pool: () => 'bytes',
  dense: () => 'saturating',
  dropout: () => 'same',
  add: () => 'saturating',
  multiply: () => 'saturating',
  shuffle: () => 'same',
  zero: () => 'same',
};

/** Activations that are nothing but the ends of a range of bytes. */
const saturates = (layer: Layer): boolean =>
  layer.kind === 'activation' && (layer.act === 'relu' || layer.act === 'relu6' || layer.act === 'hard_sigmoid');

/** Hard swish is 0 below -3, swish nearly so below -8; -Infinity for whatever else reads. */
function floorFor(layer: Layer): number {
  if (layer.kind !== 'activation') return -Infinity;
  return { relu: -Infinity, relu6: -Infinity, swish: -8, hard_sigmoid: -3, hard_swish: -3 }[layer.act];
}

/** The layers whose outputs are gates, and the values in bytes whose ranges are to be found, in the order of the layers. */
export function pointsOf(network: Network): { readonly gates: ReadonlySet<string>; readonly points: readonly Point[] } {
  const layers = layersOf(network);
  const gates = new Set<string>();
  const points: Point[] = [];
  for (const [i, layer] of layers.entries()) {
    const way = ways[layer.kind](layer);
    const readers = layers.filter(({ inputs }) => inputs.includes(i));
    const only = readers.length === 1 ? readers[0] : undefined;
    if (way === 'gate') gates.add(layer.name);
    if (way === 'gate' || way === 'same') continue;
    if (way === 'folding' && only?.kind === 'batch_norm') continue;
    if (way !== 'bytes' && only !== undefined && saturates(only)) continue;
    const [height, width, channels] = layer.output;
    const floor = readers.length === 0 ? -Infinity : Math.min(...readers.map(floorFor));
    points.push({ layer: layer.name, size: height * width * channels, floor });
  }
  return { gates, points };
}

/** The ends of the range of a layer's output, by layer. */
export type Ranges = ReadonlyMap<string, readonly [low: number, high: number]>;

/** What an int8 model rounds to. */
export interface Quantization {
  /** Of weights: 127 steps on either side of zero, or 64. */
  readonly weightBits: 7 | 8;
  /** Of all values in bytes (`activationRanges`). */
  readonly ranges: Ranges;
}

const weightSteps = { 8: 127, 7: 64 } as const;

/** Steps of bytes. */
const bytes = 255;

/** The steps of unsigned bytes over a range, which is widened to hold 0, and moved so that 0 is a step. */
export function stepsOf([low, high]: readonly [number, number]): Steps {
  const [from, to] = [Math.min(0, low), Math.max(0, high)];
  const scale = Math.fround((to - from) / bytes || 1);
  const zero = Math.min(bytes, Math.max(0, Math.round(-from / scale)));
  return { low: -zero * scale, high: (bytes - zero) * scale, scale };
}

/**
 * Hard sigmoids are the bytes of what they are of, read in steps of 1/254, of which a half is one. (The greatest byte, 255/254,
 * is that of arguments beyond the end, where a float is 1: that step is left out.)
 */
const hardSteps = stepsOf([0, bytes / 254]);
const hardGate = (y: tf.Tensor): tf.Tensor => rounded(y, hardSteps);

/** Sigmoids are bytes from 0 to the sigmoid of the end of the range that they are of. */
const softSteps = (end: number): Steps => stepsOf([0, 1 / (1 + Math.exp(-end))]);

/** The axis of a weight's channels, as TF.js stores it; null for vectors, which are not rounded. */
function channelAxis(name: string, { length }: readonly number[]): number | null {
  if (name.endsWith('/depthwise_kernel')) return 2;
  return name.endsWith('/kernel') ? length - 1 : null;
}

/**
 * Kernels as an int8 model has them: rounded by output channel, symmetrically. A factor of each channel changes nothing
 * in what is rounded to what: it makes no difference whether batch norm was folded in before.
 */
export const roundedWeights =
  (weights: WeightResolver, { weightBits }: Quantization): WeightResolver =>
  (name, shape) => {
    const weight = weights(name, shape);
    const axis = channelAxis(name, shape);
    return axis === null ? weight : roundedByChannel(weight, axis, weightSteps[weightBits]);
  };

/**
 * How a network is applied as an int8 model computes it: every value that has bytes there is rounded to them, batch norm
 * goes by its moving statistics, nothing is dropped. Gradients go straight through.
 */
export function roundingMode(network: Network, { ranges }: Quantization): Mode {
  const { gates, points } = pointsOf(network);
  const layers = layersOf(network);
  const steps = new Map(
    points.map(({ layer }) => {
      const range = ranges.get(layer);
      if (range === undefined) throw new Error(`there is no range for ${layer}`);
      return [layer, stepsOf(range)] as const;
    }),
  );
  return {
    training: false,
    rounding: {
      output({ name }, y) {
        if (gates.has(name)) return hardGate(y);
        const own = steps.get(name);
        return own === undefined ? y : rounded(y, own);
      },
      gate({ act, inputs: [x] }, y) {
        if (act !== 'swish') return hardGate(y);
        return rounded(y, softSteps(ranges.get(layers[x].name)?.[1] ?? Infinity));
      },
    },
  };
}
