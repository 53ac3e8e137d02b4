import { dividedByPower, multiplierOf, roundAway, scaled, toByte, type ByteRounding } from './fixed-point.js';
import type { Elementwise, Quantization } from './program.js';

type Name = Elementwise['name'];

const hardSigmoid = (x: number): number => Math.min(Math.max(x / 6 + 0.5, 0), 1);

const functions: { readonly [N in Name]: (x: number, options: Extract<Elementwise, { name: N }>) => number } = {
  relu: (x) => Math.max(x, 0),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  'hard-swish': (x) => x * hardSigmoid(x),
  'hard-sigmoid': hardSigmoid,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  'leaky-relu': (x, { slope }) => (x < 0 ? slope * x : x),
  rescale: (x) => x,
};

/** The value of a function for a number. */
export const valueOf = (fn: Elementwise, x: number): number =>
  (functions[fn.name] as (x: number, options: Elementwise) => number)(x, fn);

type ByteFunction = (byte: number) => number;

const toShort = (value: number): number => Math.max(-32768, Math.min(32767, value));
const shortOf = (mantissa: number): number => Math.min((mantissa + 0x8000) >> 16, 32767);
/** Product of two fractions of 15 bits. */
const shortProduct = (a: number, b: number): number => toShort(Math.floor((a * b + 2 ** 14) / 2 ** 15));

/** Hard swish in 16 bits (`HardSwish` of TFLite's reference operators). */
function hardSwish(input: Quantization, output: Quantization): ByteFunction {
  const fine = Math.fround(Math.fround(1 / 128) * input.scales[0]);
  const toOutput = multiplierOf(Math.fround(fine / output.scales[0]));
  const toGate = multiplierOf(Math.fround(fine / Math.fround(3 / 32768)));
  const [outputFactor, gateFactor] = [shortOf(toOutput.mantissa), shortOf(toGate.mantissa)];
  return (byte) => {
    const x = (byte - input.zero) * 128;
    let gate = x;
    if (toGate.shift > 0) gate = toShort(gate * 2 ** (toGate.shift - 1));
    gate = shortProduct(gate, gateFactor);
    if (toGate.shift > 0) gate = toShort(gate * 2);
    if (toGate.shift < 0) gate = dividedByPower(gate, -toGate.shift);
    gate = (gate + 32768) >> 1;
    const product = Math.trunc((gate * shortProduct(x, outputFactor)) / 32768);
    return dividedByPower(product, -toOutput.shift) + output.zero;
  };
}

/** A line through the zero for each sign, as TFLite Micro computes it. */
function lines(input: Quantization, output: Quantization, below: number, above: number): ByteFunction {
  const factors = [below, above].map((slope) => multiplierOf((slope * input.scales[0]) / output.scales[0]));
  return (byte) => scaled.tflm(byte - input.zero, factors[byte < input.zero ? 0 : 1]) + output.zero;
}

/**
 * Functions that TFLite Micro computes in integers. It has no table of the others: its LOGISTIC and TANH are polynomials in fixed
 * point, which differ from the nearest byte by one at some numbers.
 */
const micro: {
  readonly [N in Name]?: (
    input: Quantization,
    output: Quantization,
    options: Extract<Elementwise, { name: N }>,
  ) => ByteFunction;
} = {
  relu: (input, output) => lines(input, output, 0, 1),
  'hard-swish': hardSwish,
  'leaky-relu': (input, output, { slope }) => lines(input, output, slope, 1),
  rescale: (input, output) => lines(input, output, 1, 1),
};

/** All 256 values of a function: the result for byte b is at b & 255. */
export function byteTable(
  fn: Elementwise,
  input: Quantization,
  output: Quantization,
  rounding: ByteRounding,
): Int8Array {
  const integer =
    rounding === 'tflm'
      ? (micro[fn.name] as undefined | ((i: Quantization, o: Quantization, options: Elementwise) => ByteFunction))
      : undefined;
  const nearest: ByteFunction = (byte) =>
    roundAway(valueOf(fn, (byte - input.zero) * input.scales[0]) / output.scales[0]) + output.zero;
  const compute = integer?.(input, output, fn) ?? nearest;
  return Int8Array.from({ length: 256 }, (_, index) => toByte(compute((index << 24) >> 24)));
}

/** Bits after the point of `exponentials`. */
const EXPONENTIAL_BITS = 20;

/** e^(-distance · scale) for distances of 0 to 255 bytes below the largest, in fixed point. */
export const exponentials = ({ scales }: Quantization): Int32Array =>
  Int32Array.from({ length: 256 }, (_, distance) =>
    Math.round(Math.exp(-distance * scales[0]) * 2 ** EXPONENTIAL_BITS),
  );
