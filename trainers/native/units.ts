import type { LayerOf, Shape } from '../../spaces/index.js';
import type { Act } from '../../compiler/native/passes.js';

export type NormLayer = LayerOf<'batch_norm'>;
export type Convolution = LayerOf<'conv' | 'depthwise'>;

/** A map in memory. */
export interface StoredMap {
  readonly name: string;
  readonly shape: Shape;
}

/** A value with a gradient of its own: a stored map with or without a norm, or a gated map, which is never stored. */
export interface Point {
  readonly map: StoredMap;
  /** Applied by each reader of the map. */
  readonly norm: NormLayer | null;
}

/** How a unit reads a point: its norm, then this activation, then this gate. */
export interface Reading {
  readonly point: Point;
  readonly act: Act;
  readonly gate: Squeeze | null;
}

/** A convolution that the library has an operation for. */
export interface ConvolutionUnit {
  readonly kind: 'convolution';
  readonly family: 'IMAGES' | 'PRODUCT' | 'CONV' | 'DEPTHWISE';
  readonly layer: Convolution;
  /** Null: the images. */
  readonly input: Reading | null;
  readonly output: Point;
}

/** An expansion and a depthwise convolution; the expanded map is never stored. The input comes from a sum and has no norm. */
export interface ExpandUnit {
  readonly kind: 'expand';
  readonly expansion: LayerOf<'conv'>;
  readonly norm: NormLayer;
  readonly act: Act;
  readonly layer: LayerOf<'depthwise'>;
  readonly input: Point;
  readonly output: Point;
}

/** A squeeze-excite module: the gate of `input`. */
export interface Squeeze {
  readonly kind: 'squeeze';
  readonly name: string;
  readonly reduce: LayerOf<'dense'>;
  readonly squeezeAct: Act;
  readonly expand: LayerOf<'dense'>;
  readonly gateAct: Act;
  readonly input: Reading;
  /** The gated map. */
  readonly output: Point;
}

/** The sum of two maps, or one map as it is read. Only the first may have a gate. */
export interface SumUnit {
  readonly kind: 'sum';
  readonly inputs: readonly [Reading, Reading?];
  readonly output: Point;
}

/** A batch norm of a map that no convolution made. The input comes from a sum and has no norm. */
export interface NormUnit {
  readonly kind: 'norm';
  readonly input: Point;
  readonly output: Point;
}

/** Means or maxima of windows of a map, or a map of zeros. */
export interface WindowUnit {
  readonly kind: 'window';
  readonly layer: LayerOf<'avg_pool' | 'max_pool' | 'zero'>;
  readonly input: Reading;
  readonly output: Point;
}

/** A map of twice the size, or one row or column less. */
export interface DoubleUnit {
  readonly kind: 'double';
  readonly layer: LayerOf<'upsample'>;
  readonly input: Reading;
  readonly output: Point;
}

/** The features that the rest of the network reads: the global average pooling, or a whole map. */
export interface PoolUnit {
  readonly kind: 'pool' | 'map';
  readonly input: Reading;
}

export type Unit = ConvolutionUnit | ExpandUnit | Squeeze | SumUnit | NormUnit | WindowUnit | DoubleUnit | PoolUnit;

/** The output of a unit; null for the last one. */
export const outputOf = (unit: Unit): Point | null => ('output' in unit ? unit.output : null);

/** The point whose gradient a reader adds to. */
export const targetOf = ({ point, gate }: Reading): Point => gate?.output ?? point;

export interface Unsupported {
  /** The layer, and why. */
  readonly unsupported: string;
}
