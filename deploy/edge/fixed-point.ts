import { invalidInput } from '../../base/errors.js';
import type { Clipping, Quantization } from './program.js';

/**
 * How sums become bytes: `exact` rounds once, to the nearest (LiteRT on phones and PCs; TFLite Micro built with
 * `TFLITE_SINGLE_ROUNDING`); `tflm` rounds twice, as TFLite Micro does by default.
 */
export type ByteRounding = 'exact' | 'tflm';

/** `float`: as LiteRT's XNNPACK computes convolutions and products, by a factor of float32. Only the reference knows it. */
export type ReferenceRounding = ByteRounding | 'float';

/** A factor as TFLite stores it: mantissa · 2^(shift - 31), with a mantissa of 31 bits. */
export interface Multiplier {
  readonly mantissa: number;
  readonly shift: number;
  /** As float32. */
  readonly float: number;
}

/** Largest shift: factors stay below 2^14, so that products are exact in a double. */
const MAX_SHIFT = 14;

/** @throws NasError for factors that no pair of useful scales has */
function checkFactor(factor: number): void {
  if (!(factor >= 0 && factor < 2 ** MAX_SHIFT))
    throw invalidInput(
      `scales differ by a factor of ${factor}: int8 programs have factors from 0 to ${2 ** MAX_SHIFT}`,
      {
        hint: 'Calibrate the network with more images.',
      },
    );
}

export function multiplierOf(factor: number, float = Math.fround(factor)): Multiplier {
  checkFactor(factor);
  if (factor === 0) return { mantissa: 0, shift: 0, float };
  let shift = Math.floor(Math.log2(factor)) + 1;
  let mantissa = Math.round((factor / 2 ** shift) * 2 ** 31);
  if (mantissa >= 2 ** 31) {
    mantissa = Math.round(mantissa / 2);
    shift++;
  }
  return shift < -31 ? { mantissa: 0, shift: 0, float } : { mantissa, shift, float };
}

/** floor((value · mantissa + 2^(bits - 1)) / 2^bits), exactly: the product has up to 62 bits; `bits` is 17 or more. */
function scaledDown(value: number, mantissa: number, bits: number): number {
  const low = value * (mantissa & 0xffff);
  const high = value * Math.floor(mantissa / 0x1_0000) + Math.floor(low / 0x1_0000);
  return Math.floor((high + 2 ** (bits - 17)) / 2 ** (bits - 16));
}

/** value / 2^bits, halves away from zero. */
export const dividedByPower = (value: number, bits: number): number =>
  Math.sign(value) * Math.floor(Math.abs(value) / 2 ** bits + 0.5);

/** To the nearest integer, halves to the even one. */
export function toEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** A sum times a factor, as an integer. */
export const scaled: { readonly [R in ReferenceRounding]: (sum: number, factor: Multiplier) => number } = {
  exact: (sum, { mantissa, shift }) => scaledDown(sum, mantissa, 31 - shift),
  tflm: (sum, { mantissa, shift }) =>
    dividedByPower(scaledDown(sum * 2 ** Math.max(shift, 0), mantissa, 31), Math.max(-shift, 0)),
  float: (sum, { float }) => toEven(Math.fround(Math.fround(sum) * float)),
};

/** To the nearest integer, halves away from zero (`round` of C). */
export const roundAway = (value: number): number => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);

export const toByte = (value: number): number => (value < -128 ? -128 : value > 127 ? 127 : value);

/** Smallest and largest byte of a clipped result. */
export function byteRange(clip: Clipping, { scales, zero }: Quantization): readonly [low: number, high: number] {
  return [
    clip === 'none' ? -128 : Math.max(-128, zero),
    clip === 'relu6' ? Math.min(127, zero + roundAway(6 / scales[0])) : 127,
  ];
}

/** a · b / c. */
const factorOf = (a: number, b: number, c: number): Multiplier =>
  multiplierOf((a * b) / c, Math.fround(Math.fround(a * b) / c));

/** Sums of convolutions to bytes: one factor for each channel of the output. */
export function channelMultipliers(input: Quantization, weights: Quantization, output: Quantization): Multiplier[] {
  return Array.from(weights.scales, (scale) => factorOf(input.scales[0], scale, output.scales[0]));
}

/** y = ((first · a + second · b + bias) >> shift) + zero, in 32 bits: sums as XNNPACK computes them. */
export function sumOnce(a: Quantization, b: Quantization, output: Quantization) {
  const [first, second] = [a, b].map(({ scales }) => Math.fround(scales[0] / output.scales[0]));
  const largest = Math.max(first, second);
  checkFactor(largest);
  // Factors of 21 bits. Above 30, the shift would not leave room for the sum.
  const shift = Math.min(20 - Math.floor(Math.log2(largest)), 30);
  const [m, n] = [toEven(first * 2 ** shift), toEven(second * 2 ** shift)];
  return { first: m, second: n, bias: 2 ** (shift - 1) - m * a.zero - n * b.zero, shift };
}

export const SUM_BITS = 20;

/** Sums as TFLite Micro computes them: both inputs at one scale with 20 more bits, then the sum at the scale of the output. */
export function sumTwice(a: Quantization, b: Quantization, output: Quantization) {
  const common = 2 * Math.max(a.scales[0], b.scales[0]);
  return {
    first: multiplierOf(a.scales[0] / common),
    second: multiplierOf(b.scales[0] / common),
    output: multiplierOf(common / (2 ** SUM_BITS * output.scales[0])),
  };
}

/** The sum over `count` numbers to their mean. */
export const meanMultiplier: {
  readonly [R in ByteRounding]: (input: Quantization, output: Quantization, count: number) => Multiplier;
} = {
  exact: (input, output, count) => multiplierOf(input.scales[0] / output.scales[0] / count),
  // TFLite Micro divides the mantissa of the factor between the scales, and keeps what is left.
  tflm: (input, output, count) => {
    const { mantissa, shift } = multiplierOf(input.scales[0] / output.scales[0]);
    const bits = Math.min(31 - Math.clz32(count), 31 + shift);
    return { mantissa: Math.floor((mantissa * 2 ** bits) / count), shift: shift - bits, float: NaN };
  },
};

export const productMultiplier = (a: Quantization, b: Quantization, output: Quantization): Multiplier =>
  factorOf(a.scales[0], b.scales[0], output.scales[0]);
