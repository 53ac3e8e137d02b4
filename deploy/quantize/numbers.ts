import { product } from '../../base/statistics.js';

/** Least and greatest value of a tensor. */
export type Range = readonly [low: number, high: number];

/** Ranges of the tensors of a model. */
export interface Ranges {
  range(tensor: string): Range;
}

/** Ranges that are known. */
export const rangesOf = (ranges: ReadonlyMap<string, Range>): Ranges => ({
  range(tensor) {
    const range = ranges.get(tensor);
    if (range === undefined) throw new Error(`internal: '${tensor}' was not calibrated`);
    return range;
  },
});

/** Quantization of activations: value = (byte - zero) · scale. */
export interface ActivationParameters {
  /** A float32 number above 0. */
  readonly scale: number;
  /** 0 to 255. */
  readonly zero: number;
}

/** Bits of a weight: 8 bits give -127 to 127; 7 bits give -64 to 64, whose products with bytes never saturate in 16 bits. */
export const weightBits = [7, 8] as const;
export type WeightBits = (typeof weightBits)[number];

/** The greatest quantized weight; the least is its negative. */
export const greatestWeight: { readonly [K in WeightBits]: number } = { 7: 64, 8: 127 };

/** Steps between the least and the greatest byte. */
const steps = 255;

/**
 * The least scale of activations. Smaller values are as good as zero, and the scales of biases, products of two scales, stay
 * in the range of float32.
 */
const leastScale = 2 ** -60;

/** The greatest quantized bias: leaves room for the sums of products that are added to it in 32 bits. */
const greatestBias = 2 ** 30;

/** Doubles of this size are a whole number apart: adding a value to one rounds the value. */
const wholeNumbersApart = 1.5 * 2 ** 52;

/**
 * Rounds to the nearest whole number, halves to the even one, as ONNX's QuantizeLinear does.
 * @param value of a magnitude below 2^51
 */
export const roundEven = (value: number): number => value + wholeNumbersApart - wholeNumbersApart;

export const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

/**
 * Scale and zero of bytes (uint8) for activations in a range. The range is widened to contain 0, which then is exactly a
 * byte, as padding and the lower bound of ReLU need it. A range of zeros alone has the scale 1.
 */
export function activationParameters([low, high]: Range): ActivationParameters {
  const least = Math.min(0, low);
  const width = Math.max(0, high) - least;
  if (width === 0) return { scale: 1, zero: 0 };
  const scale = Math.fround(Math.max(leastScale, width / steps));
  return { scale, zero: clamp(Math.round(-least / scale), 0, steps) };
}

/** Options for the scales of weights. */
export interface WeightOptions {
  readonly bits: WeightBits;
  /** Bias of each channel, and the scale of the input: the scales must be large enough for the quantized bias. */
  readonly bias?: ArrayLike<number> | undefined;
  readonly inputScale?: number;
}

/** Weights as whole numbers: value = q · scale[channel]. */
export interface QuantizedWeights {
  /** In the order of the values. */
  readonly q: Int8Array<ArrayBuffer>;
  /** One for each channel, float32. */
  readonly scale: Float32Array<ArrayBuffer>;
}

/** The greatest magnitude in each channel. */
function magnitudes(values: Float32Array, channels: number, inner: number): Float64Array<ArrayBuffer> {
  const most = new Float64Array(channels);
  for (let start = 0, c = 0; start < values.length; start += inner, c = c + 1 === channels ? 0 : c + 1) {
    let greatest = most[c];
    for (let i = start; i < start + inner; i++) {
      const magnitude = Math.abs(values[i]);
      if (magnitude > greatest) greatest = magnitude;
    }
    most[c] = greatest;
  }
  return most;
}

/**
 * Symmetric int8 weights with a scale for each channel along `axis`. A channel of zeros has the scale 1; the scale of one
 * whose bias is large beside its weights is raised until the quantized bias is below 2^30 (see `quantizeBias`).
 */
export function quantizeWeights(
  values: Float32Array,
  dims: readonly number[],
  axis: number,
  { bits, bias, inputScale = 1 }: WeightOptions,
): QuantizedWeights {
  const top = greatestWeight[bits];
  const channels = dims[axis];
  const inner = product(dims.slice(axis + 1));
  const scale = Float32Array.from(magnitudes(values, channels, inner), (most, c) => {
    const shift = Math.abs(bias?.[c] ?? 0);
    // A little more than the bias needs: the scale, and its product with the input's, are rounded to float32.
    const needed = (shift / (inputScale * greatestBias)) * (1 + 2 ** -20);
    const own = most / top;
    if (own < leastScale) return shift > 0 ? Math.max(needed, leastScale) : 1;
    return Math.max(own, needed);
  });
  const q = new Int8Array(values.length);
  for (let start = 0, c = 0; start < values.length; start += inner, c = c + 1 === channels ? 0 : c + 1) {
    const step = scale[c];
    // No magnitude is above the scale's, so rounding never exceeds the greatest weight.
    for (let i = start; i < start + inner; i++) q[i] = roundEven(values[i] / step);
  }
  return { q, scale };
}

/** Biases as whole numbers: value = q · scale[channel]. */
export interface QuantizedBias {
  readonly q: Int32Array<ArrayBuffer>;
  readonly scale: Float32Array<ArrayBuffer>;
}

/** A bias in the unit of the sums that it is added to: input scale times weight scale of the channel. */
export function quantizeBias(bias: ArrayLike<number>, inputScale: number, weightScale: Float32Array): QuantizedBias {
  const scale = Float32Array.from(weightScale, (value) => inputScale * value);
  const q = Int32Array.from(scale, (unit, c) => roundEven(bias[c] / unit));
  return { q, scale };
}
