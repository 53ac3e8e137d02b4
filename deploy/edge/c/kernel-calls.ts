import { invalidInput } from '../../../base/errors.js';
import { sum } from '../../../base/statistics.js';
import {
  byteRange,
  channelMultipliers,
  meanMultiplier,
  productMultiplier,
  sumOnce,
  sumTwice,
  type Multiplier,
  type ByteRounding,
} from '../fixed-point.js';
import { readsInPlace } from '../overlap.js';
import { innerOperators } from '../plan.js';
import {
  numbersIn,
  type EdgeOperator,
  type EdgeProgram,
  type EdgeTensor,
  type OperatorName,
  type OperatorOf,
  type Padding,
  type TensorId,
} from '../program.js';
import { imageShape, quantizationOf } from '../reference.js';
import { byteTable, exponentials } from '../tables.js';

/** Kernels, and the types of their numbers in C. */
export const kernels = {
  conv: 'nas_conv_params',
  depthwise: 'nas_conv_params',
  add: 'nas_pair_params',
  mul: 'nas_pair_params',
  lookup: 'nas_lookup_params',
  mean: 'nas_mean_params',
  'max-pool': 'nas_pool_params',
  'average-pool': 'nas_pool_params',
  pad: 'nas_pad_params',
  upsample: 'nas_upsample_params',
  channels: 'nas_channels_params',
  shuffle: 'nas_shuffle_params',
  softmax: 'nas_softmax_params',
} as const;
export type KernelName = keyof typeof kernels;

/** Numbers in flash. Sizes are known before values. */
export interface Constant {
  readonly type: 'int8_t' | 'int32_t';
  readonly length: number;
  readonly values: () => ArrayLike<number>;
}

/** One call of a kernel in C. */
export interface KernelCall {
  readonly kernel: KernelName;
  readonly label: string;
  /** In the order of the C type: constants, then numbers of 32 bits, then of 16. */
  readonly constants: readonly Constant[];
  /** Their number is fixed. */
  readonly words: { readonly count: number; readonly values: () => readonly number[] };
  readonly shorts: { readonly count: number; readonly values: () => readonly number[] };
  readonly a: TensorId;
  readonly b?: TensorId;
  readonly y: TensorId;
  /** The kernel reads from this byte of `a` and writes from this byte of `y`. Default: the first. */
  readonly from?: number;
  readonly to?: number;
  /** Whose working memory is given to the kernel. */
  readonly operator: EdgeOperator;
}

type Description = Omit<KernelCall, 'kernel' | 'label' | 'a' | 'y' | 'operator' | 'constants' | 'words' | 'shorts'> & {
  readonly kernel: KernelName;
  readonly constants?: readonly Constant[];
  readonly words?: KernelCall['words'];
  readonly shorts?: KernelCall['shorts'];
  readonly a?: TensorId;
};

interface Context {
  readonly tensors: readonly EdgeTensor[];
  readonly rounding: ByteRounding;
}

type Describe<K extends OperatorName> = (
  operator: OperatorOf<K>,
  context: Context,
) => Description | readonly Description[];

const pixelsOf = (tensor: EdgeTensor): number => numbersIn(tensor) / imageShape(tensor)[2];
const none: KernelCall['words'] = { count: 0, values: () => [] };

/** A list of a known length. Its values are computed when they are written. */
const numbers = (count: number, values: () => readonly number[]): KernelCall['words'] => ({ count, values });

/** How far the kernels shift a product to the right, after 31 bits, or after 33 where they round once. */
const right: { readonly [R in ByteRounding]: (factor: Multiplier) => number } = {
  exact: ({ shift }) => -2 - shift,
  tflm: ({ shift }) => -shift,
};

const dataOf = ({ data, name }: EdgeTensor): ArrayLike<number> => {
  if (data === undefined) throw invalidInput(`tensor ${name} has no numbers: weights have to be constant`);
  return data;
};

/** Constants and numbers of a convolution; `bias` gives the sums that an output channel begins with. */
function convolution(
  kernel: 'conv' | 'depthwise',
  operator: OperatorOf<'conv' | 'depthwise'>,
  { tensors, rounding }: Context,
  bias: (biases: ArrayLike<number>, weights: ArrayLike<number>, zero: number) => ArrayLike<number>,
): Description {
  const [input, weights, biases] = operator.inputs.map((id) => tensors[id]);
  const output = tensors[operator.output];
  const [outHeight, outWidth, outChannels] = imageShape(output);
  const multipliers = (): readonly Multiplier[] =>
    channelMultipliers(quantizationOf(input), quantizationOf(weights), quantizationOf(output));
  const groups = operator.op === 'conv' ? operator.groups : 1;
  return {
    kernel,
    constants: [
      { type: 'int8_t', length: numbersIn(weights), values: () => dataOf(weights) },
      {
        type: 'int32_t',
        length: outChannels,
        values: () => bias(dataOf(biases), dataOf(weights), quantizationOf(input).zero),
      },
      { type: 'int32_t', length: outChannels, values: () => multipliers().map(({ mantissa }) => mantissa) },
      { type: 'int8_t', length: outChannels, values: () => multipliers().map((factor) => right[rounding](factor)) },
    ],
    shorts: numbers(19, () => [
      ...[...imageShape(input), outHeight, outWidth, outChannels, weights.shape[1], weights.shape[2], groups],
      ...[...operator.strides, ...operator.dilations, operator.padding.top, operator.padding.left],
      ...[quantizationOf(input).zero, quantizationOf(output).zero, ...byteRange(operator.clip, quantizationOf(output))],
    ]),
  };
}

/** The bias minus the input's zero times the sum of the weights. The kernel then sums products of plain bytes. */
const withoutZero = (biases: ArrayLike<number>, weights: ArrayLike<number>, zero: number): number[] => {
  const length = weights.length / biases.length;
  return Array.from(biases, (bias, channel) => {
    let total = 0;
    for (let i = 0; i < length; i++) total += weights[channel * length + i];
    return bias - zero * total;
  });
};

type Factors = readonly [number, number, number, number, number, number];

/** Sums and products; the second input is the shorter one. */
function pair(
  kernel: 'add' | 'mul',
  operator: OperatorOf<'add' | 'mul'>,
  { tensors }: Context,
  factors: (a: EdgeTensor, b: EdgeTensor, output: EdgeTensor) => Factors,
): Description {
  const [a, b] = operator.inputs.map((id) => tensors[id]);
  const output = tensors[operator.output];
  return {
    kernel,
    words: numbers(13, () => [
      ...[numbersIn(output), numbersIn(b), ...factors(a, b, output)],
      ...[a, b, output].map((tensor) => quantizationOf(tensor).zero),
      ...byteRange(operator.clip, quantizationOf(output)),
    ]),
    b: operator.inputs[1],
  };
}

const pool =
  (kernel: 'max-pool' | 'average-pool') =>
  (operator: OperatorOf<'max-pool' | 'average-pool'>, { tensors }: Context): Description => {
    const [input, output] = [tensors[operator.inputs[0]], tensors[operator.output]];
    return {
      kernel,
      shorts: numbers(11, () => [
        ...[...imageShape(input), ...imageShape(output).slice(0, 2), ...operator.size, ...operator.strides],
        ...[operator.padding.top, operator.padding.left],
      ]),
    };
  };

const refused = (operator: { readonly label: string; readonly op: string }): never => {
  throw invalidInput(`layer ${operator.label}: ${operator.op} inside of a program: the model in C is of int8 alone`, {
    hint: 'Export with --precision int8.',
  });
};

const describe: { readonly [K in OperatorName]: Describe<K> } = {
  conv: (operator, context) => convolution('conv', operator, context, withoutZero),
  depthwise: (operator, context) => convolution('depthwise', operator, context, (biases) => biases),
  add: (operator, context) =>
    pair('add', operator, context, (...tensors) => {
      const [a, b, output] = tensors.map(quantizationOf);
      if (context.rounding === 'exact') {
        const { first, second, bias, shift } = sumOnce(a, b, output);
        return [first, second, bias, shift, 0, 0];
      }
      const { first, second, output: last } = sumTwice(a, b, output);
      const [a31, b31, sum31] = [first, second, last].map(({ mantissa }) => mantissa);
      return [a31, b31, sum31, right.tflm(last), right.tflm(first), right.tflm(second)];
    }),
  mul: (operator, context) =>
    pair('mul', operator, context, (...tensors) => {
      const [a, b, output] = tensors.map(quantizationOf);
      const factor = productMultiplier(a, b, output);
      return [factor.mantissa, 0, 0, 0, right[context.rounding](factor), 0];
    }),
  elementwise: (operator, { tensors, rounding }) => {
    const [input, output] = [tensors[operator.inputs[0]], tensors[operator.output]];
    const values = (): Int8Array =>
      byteTable(operator.function, quantizationOf(input), quantizationOf(output), rounding);
    return {
      kernel: 'lookup',
      constants: [{ type: 'int8_t', length: 256, values }],
      words: numbers(1, () => [numbersIn(output)]),
    };
  },
  mean: (operator, { tensors, rounding }) => {
    const [input, output] = [tensors[operator.inputs[0]], tensors[operator.output]];
    const pixels = pixelsOf(input);
    return {
      kernel: 'mean',
      words: numbers(6, () => {
        const [from, to] = [quantizationOf(input), quantizationOf(output)];
        const factor = meanMultiplier[rounding](from, to, pixels);
        return [pixels, imageShape(input)[2], from.zero, to.zero, factor.mantissa, right[rounding](factor)];
      }),
    };
  },
  'max-pool': pool('max-pool'),
  'average-pool': pool('average-pool'),
  pad: (operator, { tensors }) => ({
    kernel: 'pad',
    shorts: numbers(8, () => {
      const { top, left, bottom, right: behind }: Padding = operator.padding;
      const zero = quantizationOf(tensors[operator.output]).zero;
      return [...imageShape(tensors[operator.inputs[0]]), top, left, bottom, behind, zero];
    }),
  }),
  upsample: (operator, { tensors }) => ({
    kernel: 'upsample',
    shorts: numbers(4, () => {
      const [, width, channels] = imageShape(tensors[operator.inputs[0]]);
      return [...imageShape(tensors[operator.output]).slice(0, 2), width, channels];
    }),
  }),
  concat: (operator, { tensors }) => {
    const channels = imageShape(tensors[operator.output])[2];
    const own = operator.inputs.map((id) => imageShape(tensors[id])[2]);
    return operator.inputs.map((a, n) => ({
      kernel: 'channels',
      a,
      to: sum(own.slice(0, n)),
      words: numbers(4, () => [pixelsOf(tensors[a]), own[n], own[n], channels]),
    }));
  },
  slice: (operator, { tensors }) => {
    const [all, own] = [operator.inputs[0], operator.output].map((id) => imageShape(tensors[id])[2]);
    const words = numbers(4, () => [pixelsOf(tensors[operator.output]), own, all, own]);
    return { kernel: 'channels', from: operator.from, words };
  },
  shuffle: (operator, { tensors }) => {
    const output = tensors[operator.output];
    return { kernel: 'shuffle', words: numbers(3, () => [pixelsOf(output), imageShape(output)[2], operator.groups]) };
  },
  // The same bytes at the same place.
  reshape: () => [],
  softmax: (operator, { tensors }) => {
    const input = tensors[operator.inputs[0]];
    return {
      kernel: 'softmax',
      constants: [{ type: 'int32_t', length: 256, values: () => exponentials(quantizationOf(input)) }],
      words: numbers(1, () => [numbersIn(input)]),
    };
  },
  quantize: refused,
  dequantize: refused,
};

/** The calls of kernels that a program is in C. Values of constants and numbers are computed when they are read. */
export function kernelCallsOf(program: EdgeProgram, rounding: ByteRounding): KernelCall[] {
  const context: Context = { tensors: program.tensors, rounding };
  return innerOperators(program).flatMap((operator) =>
    [(describe[operator.op] as Describe<OperatorName>)(operator, context)].flat().map((description): KernelCall => ({
      label: operator.label,
      operator,
      a: operator.inputs[0],
      y: operator.output,
      constants: [],
      words: none,
      shorts: none,
      ...description,
    })),
  );
}

/** Whether the kernel of an operator needs the working memory that the plan has for it. */
export const usesScratch = ({ operator }: KernelCall, { tensors }: EdgeProgram): boolean =>
  operator.op === 'conv' && !readsInPlace(operator, tensors[operator.inputs[1]]);
