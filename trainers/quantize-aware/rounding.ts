import { type Layer, type LayerKind, layersOf, type Network } from '../../spaces/index.js';
import * as tf from '@tensorflow/tfjs-core';
import { rounded, roundedByChannel, type Steps } from '../../compiler/index.js';
import type { Mode, WeightResolver } from '../../spaces/models/index.js';

/** A tensor of bytes in the int8 model whose range must be found. */
export interface Point {
  /** The layer that outputs it. */
  readonly layer: string;
  /** Number of values for one image. */
  readonly size: number;
  /** Lower bound of the range: smaller values make no difference to their readers. */
  readonly floor: number;
}

/** How the int8 model represents a layer's output. */
type Representation =
  /** Quantized here. */
  | 'bytes'
  /** Quantized here, unless its only reader is an activation that saturates; then quantized after that. */
  | 'saturating'
  /** As `saturating`, but a following batch norm is folded in first. */
  | 'folding'
  /** A gate with the range [0, 1]. */
  | 'gate'
  /** The bytes of its input. */
  | 'same';

const representations: { readonly [K in LayerKind]: (layer: Layer) => Representation } = {
  input: () => 'bytes',
  conv: () => 'folding',
  depthwise: () => 'folding',
  batch_norm: () => 'saturating',
  activation: (layer) => (layer.kind === 'activation' && layer.act === 'hard_sigmoid' ? 'gate' : 'bytes'),
  avg_pool: () => 'bytes',
  max_pool: () => 'same',
  global_pool: () => 'bytes',
  dense: () => 'saturating',
  dropout: () => 'same',
  add: () => 'saturating',
  multiply: () => 'saturating',
  shuffle: () => 'same',
  zero: () => 'same',
  upsample: () => 'same',
  detections: () => 'saturating',
};

/** Activations that only clip, so the range of the bytes does their work. */
const saturates = (layer: Layer): boolean =>
  layer.kind === 'activation' && (layer.act === 'relu' || layer.act === 'relu6' || layer.act === 'hard_sigmoid');

/** Inputs below this do not matter: hard swish is 0 below -3, swish and sigmoid nearly 0 below -8. */
function floorFor(layer: Layer): number {
  if (layer.kind !== 'activation') return -Infinity;
  return { relu: -Infinity, relu6: -Infinity, swish: -8, sigmoid: -8, hard_sigmoid: -3, hard_swish: -3 }[layer.act];
}

/** The layers whose outputs are gates, and the tensors whose ranges must be found, in the order of the layers. */
export function pointsOf(network: Network): { readonly gates: ReadonlySet<string>; readonly points: readonly Point[] } {
  const layers = layersOf(network);
  const gates = new Set<string>();
  const points: Point[] = [];
  for (const [i, layer] of layers.entries()) {
    const kind = representations[layer.kind](layer);
    const readers = layers.filter(({ inputs }) => inputs.includes(i));
    const only = readers.length === 1 ? readers[0] : undefined;
    if (kind === 'gate') gates.add(layer.name);
    if (kind === 'gate' || kind === 'same') continue;
    if (kind === 'folding' && only?.kind === 'batch_norm') continue;
    if (kind !== 'bytes' && only !== undefined && saturates(only)) continue;
    const [height, width, channels] = layer.output;
    const floor = readers.length === 0 ? -Infinity : Math.min(...readers.map(floorFor));
    points.push({ layer: layer.name, size: height * width * channels, floor });
  }
  return { gates, points };
}

/** The range of each layer's output. */
export type Ranges = ReadonlyMap<string, readonly [low: number, high: number]>;

/** The rounding of an int8 model. */
export interface Int8Rounding {
  /** 8 bits: 127 steps on either side of zero; 7 bits: 64. */
  readonly weightBits: 7 | 8;
  /** The ranges of all tensors of bytes (`activationRanges`). */
  readonly ranges: Ranges;
}

const weightSteps = { 8: 127, 7: 64 } as const;

/** Number of steps of a byte. */
const bytes = 255;

/** The steps of unsigned bytes over a range, extended to contain 0 and shifted so that 0 is a step. */
export function stepsOf([low, high]: readonly [number, number]): Steps {
  const [from, to] = [Math.min(0, low), Math.max(0, high)];
  const scale = Math.fround((to - from) / bytes || 1);
  const zero = Math.min(bytes, Math.max(0, Math.round(-from / scale)));
  return { low: -zero * scale, high: (bytes - zero) * scale, scale };
}

/**
 * A hard sigmoid reuses the bytes of its input in steps of 1/254, so that 1/2 is a step. (The largest byte, 255/254, stands
 * for arguments beyond the range, where a float model has 1; this difference is ignored.)
 */
const hardSteps = stepsOf([0, bytes / 254]);
const hardGate = (y: tf.Tensor): tf.Tensor => rounded(y, hardSteps);

/** A sigmoid has bytes from 0 to the sigmoid of the upper end of its input's range. */
const softSteps = (end: number): Steps => stepsOf([0, 1 / (1 + Math.exp(-end))]);

/** The channel axis of a weight in TF.js's layout; null for vectors, which are not rounded. */
function channelAxis(name: string, { length }: readonly number[]): number | null {
  if (name.endsWith('/depthwise_kernel')) return 2;
  return name.endsWith('/kernel') ? length - 1 : null;
}

/**
 * Kernels rounded as in an int8 model: symmetrically for each output channel. A factor of a channel does not affect the
 * rounding, so it does not matter whether batch norm is folded in.
 */
export const roundedWeights =
  (weights: WeightResolver, { weightBits }: Int8Rounding): WeightResolver =>
  (name, shape) => {
    const weight = weights(name, shape);
    const axis = channelAxis(name, shape);
    return axis === null ? weight : roundedByChannel(weight, axis, weightSteps[weightBits]);
  };

/**
 * Applies a network like an int8 model: every tensor of bytes is rounded, batch norm uses its moving statistics, and there
 * is no dropout. Gradients pass through the rounding.
 */
export function roundingMode(network: Network, { ranges }: Int8Rounding): Mode {
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
