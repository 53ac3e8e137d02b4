import { invalidInput } from '../../base/errors.js';
import { sum } from '../../base/statistics.js';
import {
  byteRange,
  channelMultipliers,
  meanMultiplier,
  productMultiplier,
  roundAway,
  scaled,
  sumOnce,
  SUM_BITS,
  sumTwice,
  toByte,
  toEven,
  type ByteRounding,
  type ReferenceRounding,
} from './fixed-point.js';
import {
  numbersIn,
  type EdgeOperator,
  type EdgeProgram,
  type EdgeTensor,
  type ElementArrays,
  type OperatorName,
  type OperatorOf,
  type Pair,
  type Quantization,
  type TensorId,
} from './program.js';
import { byteTable, exponentials } from './tables.js';

/** Numbers of a tensor, in the order of its shape. */
export type Numbers = ElementArrays[keyof ElementArrays];

/** Height, width and channels: 1 and 1 before the channels of vectors. */
export function imageShape({ shape }: EdgeTensor): readonly [height: number, width: number, channels: number] {
  const [, height, width, channels] = shape.length > 2 ? shape : [1, 1, 1, shape[1]];
  return [height, width, channels];
}

/** @throws NasError for a tensor without scales */
export function quantizationOf({ name, quantization, element }: EdgeTensor): Quantization {
  if (quantization === undefined)
    throw invalidInput(`tensor ${name}: ${element} numbers without scales, where an int8 program needs them`, {
      hint: 'Export with --precision int8.',
    });
  return quantization;
}

/** One operator and its tensors, for a kernel. */
interface Call<O extends EdgeOperator = EdgeOperator> {
  readonly operator: O;
  readonly inputs: readonly EdgeTensor[];
  readonly output: EdgeTensor;
  readonly values: readonly Numbers[];
  readonly rounding: ReferenceRounding;
}

/** The rounding of operators that have no float32 factor. */
const integers = (rounding: ReferenceRounding): ByteRounding => (rounding === 'tflm' ? 'tflm' : 'exact');

type Kernel<K extends OperatorName> = (call: Call<OperatorOf<K>>) => Int8Array | Float32Array;

interface Geometry {
  readonly strides: Pair;
  readonly padding: { readonly top: number; readonly left: number };
  readonly dilations?: Pair;
}

/** Calls `visit` with the pixel's position and the tap's for each tap of a window that lies inside of an image. */
function forTaps(
  [height, width]: readonly number[],
  [rows, columns]: Pair,
  { strides, padding, dilations = [1, 1] }: Geometry,
  [y, x]: Pair,
  visit: (pixel: number, tap: number) => void,
): void {
  for (let row = 0; row < rows; row++) {
    const from = y * strides[0] - padding.top + row * dilations[0];
    if (from < 0 || from >= height) continue;
    for (let column = 0; column < columns; column++) {
      const left = x * strides[1] - padding.left + column * dilations[1];
      if (left >= 0 && left < width) visit(from * width + left, row * columns + column);
    }
  }
}

const clamp = (value: number, [low, high]: readonly [number, number]): number => Math.min(Math.max(value, low), high);

/** A convolution: `add` adds to the sum of each output channel what one pixel under the window brings. */
function convolved(
  { operator, inputs, output, values: [, , bias], rounding }: Call<OperatorOf<'conv' | 'depthwise'>>,
  add: (sums: Float64Array, pixel: number, tap: number) => void,
): Int8Array {
  const [height, width] = imageShape(inputs[0]);
  const [, outWidth, outChannels] = imageShape(output);
  const [, rows, columns] = inputs[1].shape;
  const to = quantizationOf(output);
  const factors = channelMultipliers(quantizationOf(inputs[0]), quantizationOf(inputs[1]), to);
  const range = byteRange(operator.clip, to);
  const sums = new Float64Array(outChannels);
  const result = new Int8Array(numbersIn(output));
  for (let at = 0; at < result.length; at += outChannels) {
    const pixel = at / outChannels;
    sums.set(bias);
    const place = [Math.floor(pixel / outWidth), pixel % outWidth] as const;
    forTaps([height, width], [rows, columns], operator, place, (source, tap) => add(sums, source, tap));
    for (let o = 0; o < outChannels; o++)
      result[at + o] = clamp(scaled[rounding](sums[o], factors[o]) + to.zero, range);
  }
  return result;
}

const conv: Kernel<'conv'> = (call) => {
  const { operator, inputs, output, values } = call;
  const [image, weights] = values;
  const [, , channels] = imageShape(inputs[0]);
  const [, , outChannels] = imageShape(output);
  const [, rows, columns, depth] = inputs[1].shape;
  const { zero } = quantizationOf(inputs[0]);
  const perGroup = outChannels / operator.groups;
  return convolved(call, (sums, pixel, tap) => {
    for (let o = 0; o < outChannels; o++) {
      const x = pixel * channels + Math.floor(o / perGroup) * depth;
      const w = (o * rows * columns + tap) * depth;
      let total = 0;
      for (let i = 0; i < depth; i++) total += (image[x + i] - zero) * weights[w + i];
      sums[o] += total;
    }
  });
};

const depthwise: Kernel<'depthwise'> = (call) => {
  const { operator, inputs, output, values } = call;
  const [image, weights] = values;
  const [, , channels] = imageShape(inputs[0]);
  const [, , outChannels] = imageShape(output);
  const { zero } = quantizationOf(inputs[0]);
  return convolved(call, (sums, pixel, tap) => {
    for (let o = 0; o < outChannels; o++) {
      const x = pixel * channels + Math.floor(o / operator.multiplier);
      sums[o] += (image[x] - zero) * weights[tap * outChannels + o];
    }
  });
};

/** Results for pairs of bytes: the second input repeats where it is shorter. */
function pairwise(
  { operator, output, values: [first, second] }: Call<OperatorOf<'add' | 'mul'>>,
  compute: (a: number, b: number) => number,
): Int8Array {
  const range = byteRange(operator.clip, quantizationOf(output));
  return Int8Array.from({ length: numbersIn(output) }, (_, i) =>
    clamp(compute(first[i % first.length], second[i % second.length]), range),
  );
}

const add: Kernel<'add'> = (call) => {
  const [a, b, to] = [...call.inputs, call.output].map(quantizationOf);
  if (call.rounding === 'tflm') {
    const { first, second, output } = sumTwice(a, b, to);
    const common = (value: number, zero: number, factor: typeof first): number =>
      scaled.tflm((value - zero) * 2 ** SUM_BITS, factor);
    return pairwise(
      call,
      (x, y) => scaled.tflm(common(x, a.zero, first) + common(y, b.zero, second), output) + to.zero,
    );
  }
  const { first, second, bias, shift } = sumOnce(a, b, to);
  return pairwise(call, (x, y) => ((x * first + y * second + bias) >> shift) + to.zero);
};

const mul: Kernel<'mul'> = (call) => {
  const [a, b, to] = [...call.inputs, call.output].map(quantizationOf);
  const factor = productMultiplier(a, b, to);
  return pairwise(call, (x, y) => scaled[call.rounding]((x - a.zero) * (y - b.zero), factor) + to.zero);
};

const elementwise: Kernel<'elementwise'> = ({ operator, inputs, output, values: [numbers], rounding }) => {
  const table = byteTable(operator.function, quantizationOf(inputs[0]), quantizationOf(output), integers(rounding));
  return Int8Array.from(numbers, (byte) => table[byte & 255]);
};

const mean: Kernel<'mean'> = ({ inputs, output, values: [image], rounding }) => {
  const [height, width, channels] = imageShape(inputs[0]);
  const [from, to] = [quantizationOf(inputs[0]), quantizationOf(output)];
  const factor = meanMultiplier[integers(rounding)](from, to, height * width);
  return Int8Array.from({ length: channels }, (_, channel) => {
    let total = -from.zero * height * width;
    for (let at = channel; at < image.length; at += channels) total += image[at];
    return toByte(scaled[rounding](total, factor) + to.zero);
  });
};

/** @throws NasError where an operator that moves bytes would have to rescale them */
function checkSameScale(call: Call): void {
  const to = quantizationOf(call.output);
  for (const from of call.inputs.map(quantizationOf))
    if (from.scales[0] !== to.scales[0] || from.zero !== to.zero)
      throw invalidInput(
        `layer ${call.operator.label}: ${call.operator.op} from scale ${from.scales[0]} and zero ${from.zero} to scale ${to.scales[0]} and zero ${to.zero}: TFLite's operator keeps both`,
        { hint: 'Put a rescale before it.' },
      );
}

/** Pools windows: `reduce` gets the bytes of a window that lie inside of the image. */
const pool =
  (reduce: (bytes: readonly number[]) => number) =>
  (call: Call<OperatorOf<'max-pool' | 'average-pool'>>): Int8Array => {
    checkSameScale(call);
    const { operator, inputs, output, values } = call;
    const [height, width, channels] = imageShape(inputs[0]);
    const [, outWidth] = imageShape(output);
    return Int8Array.from({ length: numbersIn(output) }, (_, at) => {
      const [pixel, channel] = [Math.floor(at / channels), at % channels];
      const bytes: number[] = [];
      const position: Pair = [Math.floor(pixel / outWidth), pixel % outWidth];
      forTaps([height, width], operator.size, operator, position, (source) =>
        bytes.push(values[0][source * channels + channel]),
      );
      return reduce(bytes);
    });
  };

const pad: Kernel<'pad'> = (call) => {
  checkSameScale(call);
  const { operator, inputs, output, values } = call;
  const [height, width, channels] = imageShape(inputs[0]);
  const [, outWidth] = imageShape(output);
  const result = new Int8Array(numbersIn(output)).fill(quantizationOf(output).zero);
  for (let row = 0; row < height; row++)
    result.set(
      values[0].subarray(row * width * channels, (row + 1) * width * channels),
      ((row + operator.padding.top) * outWidth + operator.padding.left) * channels,
    );
  return result;
};

const upsample: Kernel<'upsample'> = (call) => {
  checkSameScale(call);
  const [, width, channels] = imageShape(call.inputs[0]);
  const [, outWidth] = imageShape(call.output);
  return Int8Array.from({ length: numbersIn(call.output) }, (_, at) => {
    const pixel = Math.floor(at / channels);
    const [row, column] = [Math.floor(pixel / outWidth) >> 1, (pixel % outWidth) >> 1];
    return call.values[0][(row * width + column) * channels + (at % channels)];
  });
};

const concat: Kernel<'concat'> = (call) => {
  checkSameScale(call);
  const [height, width, channels] = imageShape(call.output);
  const result = new Int8Array(height * width * channels);
  let start = 0;
  for (const [n, input] of call.inputs.entries()) {
    const own = imageShape(input)[2];
    for (let at = 0; at < call.values[n].length; at++)
      result[Math.floor(at / own) * channels + start + (at % own)] = call.values[n][at];
    start += own;
  }
  return result;
};

const slice: Kernel<'slice'> = (call) => {
  checkSameScale(call);
  const [own, all] = [imageShape(call.output)[2], imageShape(call.inputs[0])[2]];
  return Int8Array.from(
    { length: numbersIn(call.output) },
    (_, at) => call.values[0][Math.floor(at / own) * all + call.operator.from + (at % own)],
  );
};

const shuffle: Kernel<'shuffle'> = (call) => {
  checkSameScale(call);
  const { groups } = call.operator;
  const channels = imageShape(call.output)[2];
  return Int8Array.from({ length: numbersIn(call.output) }, (_, at) => {
    const channel = at % channels;
    return call.values[0][at - channel + (channel % groups) * (channels / groups) + Math.floor(channel / groups)];
  });
};

const reshape: Kernel<'reshape'> = (call) => {
  checkSameScale(call);
  return Int8Array.from(call.values[0]);
};

/** Shares of exponentials in fixed point, rounded once. TFLite's kernels differ from it by at most one. */
const softmax: Kernel<'softmax'> = ({ inputs, output, values: [logits] }) => {
  const to = quantizationOf(output);
  if (to.scales[0] !== 1 / 256 || to.zero !== -128)
    throw invalidInput(`softmax to scale ${to.scales[0]} and zero ${to.zero}: TFLite has 1/256 and -128`, {
      hint: 'Quantize the output of softmax at 1/256 and -128.',
    });
  const table = exponentials(quantizationOf(inputs[0]));
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (byte) => table[largest - byte]);
  const total = sum(powers);
  return Int8Array.from(powers, (power) => toByte(Math.floor((power * 256 + (total >>> 1)) / total) - 128));
};

const quantize: Kernel<'quantize'> = ({ output, values: [numbers], rounding }) => {
  const { scales, zero } = quantizationOf(output);
  const round = rounding === 'tflm' ? roundAway : toEven;
  return Int8Array.from(numbers, (value) => toByte(round(Math.fround(value / scales[0])) + zero));
};

const dequantize: Kernel<'dequantize'> = ({ inputs, values: [bytes] }) => {
  const { scales, zero } = quantizationOf(inputs[0]);
  return Float32Array.from(bytes, (byte) => (byte - zero) * scales[0]);
};

const kernels: { readonly [K in OperatorName]: Kernel<K> } = {
  conv,
  depthwise,
  add,
  mul,
  elementwise,
  mean,
  'max-pool': pool((bytes) => Math.max(...bytes)),
  'average-pool': pool((bytes) => roundAway(sum(bytes) / bytes.length)),
  pad,
  upsample,
  concat,
  slice,
  shuffle,
  reshape,
  softmax,
  quantize,
  dequantize,
};

/**
 * The result of one operator of an int8 program, in integers, by TFLite's specification. With the rounding `float`, convolutions
 * and products are scaled by float32 factors, as in LiteRT 2.5.
 * @param values of the inputs in their order, with constants
 * @throws NasError for operators that TFLite's int8 has not
 */
export function computeOperator(
  { tensors }: EdgeProgram,
  operator: EdgeOperator,
  values: readonly Numbers[],
  rounding: ReferenceRounding,
): Int8Array | Float32Array {
  const kernel = kernels[operator.op] as Kernel<OperatorName>;
  return kernel({
    operator,
    inputs: operator.inputs.map((id) => tensors[id]),
    output: tensors[operator.output],
    values,
    rounding,
  });
}

/**
 * Runs an int8 program for one image, NHWC. What LiteRT, TFLite Micro and the exported C compute is compared with it.
 * @returns values of all tensors: constants, the image and the result of each operator
 */
export function runReference(
  program: EdgeProgram,
  image: Int8Array | Float32Array,
  rounding: ByteRounding = 'exact',
): ReadonlyMap<TensorId, Numbers> {
  const values = new Map<TensorId, Numbers>([[program.input, image]]);
  program.tensors.forEach(({ data }, id) => data && values.set(id, data));
  const valueOf = (id: TensorId): Numbers => {
    const value = values.get(id);
    if (value === undefined) throw invalidInput(`tensor ${program.tensors[id].name} is read before it is computed`);
    return value;
  };
  for (const operator of program.operators)
    values.set(operator.output, computeOperator(program, operator, operator.inputs.map(valueOf), rounding));
  return values;
}
