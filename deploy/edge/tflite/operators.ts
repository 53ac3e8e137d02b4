import { invalidInput } from '../../../base/errors.js';
import { samePadding } from '../../../base/same-padding.js';
import {
  isPadded,
  noPadding,
  type EdgeOperator,
  type EdgeProgram,
  type EdgeTensor,
  type Elementwise,
  type OperatorName,
  type OperatorOf,
  type Padding,
  type Pair,
  type Quantization,
  type TensorId,
} from '../program.js';
import type { TfliteOperator } from './encode.js';
import { builtinOf, clippings, paddings, type BuiltinName } from './schema.js';

/** Adds the operators of the file that compute one operator of the program. */
type Writer<K extends OperatorName> = (operator: OperatorOf<K>, to: TfliteGraph) => void;

/** A window on an image in TFLite's words; undefined where neither SAME nor VALID pads like it. */
function windowOptions(
  { shape }: EdgeTensor,
  {
    strides: [strideH, strideW],
    padding,
    size,
  }: { readonly strides: Pair; readonly padding: Padding; readonly size: Pair },
) {
  const [, height, width] = shape;
  const strides = { strideH, strideW };
  if (!isPadded(padding)) return { ...strides, padding: paddings.valid };
  const [top, bottom] = samePadding(height, size[0], strideH);
  const [left, right] = samePadding(width, size[1], strideW);
  const { top: t, bottom: b, left: l, right: r } = padding;
  return t === top && b === bottom && l === left && r === right ? { ...strides, padding: paddings.same } : undefined;
}

/** What covers a window with gaps. */
const reach = (size: number, dilation: number): number => (size - 1) * dilation + 1;

/** The tensors and operators of a file while it is written. */
export class TfliteGraph {
  readonly tensors: EdgeTensor[];
  readonly operators: TfliteOperator[] = [];
  private readonly lists = new Map<string, TensorId>();

  constructor({ tensors, operators }: EdgeProgram) {
    this.tensors = [...tensors];
    for (const operator of operators) writeOperator(operator, this);
  }

  /** A constant of integers, such as axes and pads; equal ones are one tensor. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): TensorId {
    const key = `${shape}: ${values}`;
    const known = this.lists.get(key);
    if (known !== undefined) return known;
    const made = this.add({ name: `integers [${values}]`, shape, element: 'int32', data: Int32Array.from(values) });
    this.lists.set(key, made);
    return made;
  }

  /** A constant number above 0 beside images of the element type of a tensor. */
  number(name: string, value: number, like: EdgeTensor): TensorId {
    const shape = [1, 1, 1, 1];
    if (like.element === 'float32') return this.add({ name, shape, element: 'float32', data: Float32Array.of(value) });
    // A power of two, so that the scale of 1 is exact.
    const quantization = { scales: Float32Array.of(value / 64), zero: 0 };
    return this.add({ name, shape, element: 'int8', data: Int8Array.of(64), quantization });
  }

  /** A tensor between two operators, of the element type of another one. */
  between(name: string, shape: readonly number[], { element }: EdgeTensor, quantization?: Quantization): TensorId {
    return this.add({ name, shape, element, ...(element === 'int8' && quantization && { quantization }) });
  }

  emit(
    name: BuiltinName,
    inputs: readonly TensorId[],
    output: TensorId,
    options: TfliteOperator['options'] = {},
  ): void {
    const isBytes = this.tensors[inputs[0]].element === 'int8';
    this.operators.push({ name, version: isBytes ? builtinOf(name).bytes : 1, options, inputs, outputs: [output] });
  }

  /** The image with pixels around it, of zeros or of a number. */
  padded(image: TensorId, { top, left, bottom, right }: Padding, output?: TensorId, lowest = false): TensorId {
    const like = this.tensors[image];
    const [, height, width, channels] = like.shape;
    const shape = [1, height + top + bottom, width + left + right, channels];
    const result = output ?? this.between(`${like.name}/padded`, shape, like, like.quantization);
    const pads = this.integers([0, 0, top, bottom, left, right, 0, 0], [4, 2]);
    if (lowest) this.emit('PADV2', [image, pads, this.lowest(like)], result);
    else this.emit('PAD', [image, pads], result);
    return result;
  }

  private lowest({ name, element, quantization }: EdgeTensor): TensorId {
    const made = { name: `${name}/lowest`, shape: [1] };
    return element === 'int8'
      ? this.add({ ...made, element, data: Int8Array.of(-128), ...(quantization && { quantization }) })
      : this.add({ ...made, element: 'float32', data: Float32Array.of(-3.4028234663852886e38) });
  }

  private add(tensor: EdgeTensor): TensorId {
    return this.tensors.push(tensor) - 1;
  }
}

const convolution =
  (name: 'CONV_2D' | 'DEPTHWISE_CONV_2D') =>
  (operator: OperatorOf<'conv'> | OperatorOf<'depthwise'>, to: TfliteGraph): void => {
    const [image, weights, bias] = operator.inputs;
    const { strides, padding, dilations, clip, output } = operator;
    const [, height, width] = to.tensors[weights].shape;
    const size = [reach(height, dilations[0]), reach(width, dilations[1])] as const;
    const sayable = windowOptions(to.tensors[image], { strides, padding, size });
    const source = sayable === undefined ? to.padded(image, padding) : image;
    to.emit(name, [source, weights, bias], output, {
      strideH: strides[0],
      strideW: strides[1],
      padding: sayable?.padding ?? paddings.valid,
      clip: clippings[clip],
      dilationH: dilations[0],
      dilationW: dilations[1],
      ...(operator.op === 'depthwise' && { multiplier: operator.multiplier }),
    });
  };

const pool =
  (name: 'MAX_POOL_2D' | 'AVERAGE_POOL_2D') =>
  (operator: OperatorOf<'max-pool'> | OperatorOf<'average-pool'>, to: TfliteGraph): void => {
    const { inputs, size, strides, padding, output, label } = operator;
    let [image] = inputs;
    let options = windowOptions(to.tensors[image], { strides, padding, size });
    if (options === undefined) {
      if (operator.op === 'average-pool')
        throw invalidInput(
          `layer '${label}' (average-pool) has a padding ${JSON.stringify(padding)} that TFLite does not have and that counts in no mean`,
          { hint: 'Pad as SAME does (more below and on the right), or count the zeros (count_include_pad).' },
        );
      image = to.padded(image, padding, undefined, true);
      options = windowOptions(to.tensors[image], { strides, padding: noPadding, size });
    }
    to.emit(name, [image], output, { ...options, height: size[0], width: size[1] });
  };

const arithmetic =
  (name: 'ADD' | 'MUL') =>
  ({ inputs, output, clip }: OperatorOf<'add'> | OperatorOf<'mul'>, to: TfliteGraph): void =>
    to.emit(name, inputs, output, { clip: clippings[clip] });

type Function<N extends Elementwise['name']> = (
  operator: OperatorOf<'elementwise'> & { readonly function: Extract<Elementwise, { name: N }> },
  to: TfliteGraph,
) => void;

const one =
  (name: BuiltinName) =>
  ({ inputs, output }: EdgeOperator, to: TfliteGraph): void =>
    to.emit(name, inputs, output);

const functions: { readonly [N in Elementwise['name']]: Function<N> } = {
  relu: one('RELU'),
  relu6: one('RELU6'),
  'hard-swish': one('HARD_SWISH'),
  sigmoid: one('LOGISTIC'),
  tanh: one('TANH'),
  'leaky-relu': ({ inputs, output, function: { slope } }, to) => to.emit('LEAKY_RELU', inputs, output, { slope }),
  // LiteRT's kernel of QUANTIZE from bytes to bytes has a factor of 8 bits, and up to 6 % of its results are off by one.
  rescale: ({ inputs: [x], output, label }, to) =>
    to.emit('MUL', [x, to.number(`${label}/one`, 1, to.tensors[output])], output),
  // relu6(x + 3) / 6. The product with 1/6 changes the scale and keeps the bytes.
  'hard-sigmoid': ({ inputs: [x], output, label }, to) => {
    const result = to.tensors[output];
    const { scales, zero } = result.quantization ?? { scales: Float32Array.of(1), zero: 0 };
    const sum = to.between(`${result.name}/sum`, result.shape, result, {
      scales: scales.map((scale) => 6 * scale),
      zero,
    });
    to.emit('ADD', [x, to.number(`${label}/three`, 3, result)], sum, { clip: clippings.relu6 });
    to.emit('MUL', [sum, to.number(`${label}/sixth`, 1 / 6, result)], output);
  },
};

/** The operators of TFLite for each operator of a program. */
const writers: { readonly [K in OperatorName]: Writer<K> } = {
  conv: convolution('CONV_2D'),
  depthwise: convolution('DEPTHWISE_CONV_2D'),
  add: arithmetic('ADD'),
  mul: arithmetic('MUL'),
  elementwise: (operator, to) => (functions[operator.function.name] as Function<Elementwise['name']>)(operator, to),
  mean: ({ inputs, output }, to) => to.emit('MEAN', [...inputs, to.integers([1, 2])], output, { keepAxes: 1 }),
  'max-pool': pool('MAX_POOL_2D'),
  'average-pool': pool('AVERAGE_POOL_2D'),
  pad: ({ inputs: [image], padding, output }, to) => void to.padded(image, padding, output),
  // Also of one row or column less: TFLite's factor of sizes rounds down to the same neighbours.
  upsample: ({ inputs, output }, to) =>
    to.emit('RESIZE_NEAREST_NEIGHBOR', [...inputs, to.integers(to.tensors[output].shape.slice(1, 3))], output),
  concat: ({ inputs, output }, to) => to.emit('CONCATENATION', inputs, output, { axis: 3 }),
  slice: ({ inputs, from, output }, to) => {
    const begin = to.integers([0, 0, 0, from]);
    to.emit('SLICE', [...inputs, begin, to.integers(to.tensors[output].shape)], output);
  },
  shuffle: ({ inputs: [image], groups, output }, to) => {
    const like = to.tensors[image];
    const [, height, width, channels] = like.shape;
    const [before, after] = [
      [1, height * width, groups, channels / groups],
      [1, height * width, channels / groups, groups],
    ];
    const grouped = to.between(`${like.name}/groups`, before, like, like.quantization);
    const turned = to.between(`${like.name}/turned`, after, like, like.quantization);
    to.emit('RESHAPE', [image, to.integers(before)], grouped);
    to.emit('TRANSPOSE', [grouped, to.integers([0, 1, 3, 2])], turned);
    to.emit('RESHAPE', [turned, to.integers(like.shape)], output);
  },
  reshape: ({ inputs, output }, to) => to.emit('RESHAPE', [...inputs, to.integers(to.tensors[output].shape)], output),
  softmax: ({ inputs, output }, to) => to.emit('SOFTMAX', inputs, output, { beta: 1 }),
  quantize: one('QUANTIZE'),
  dequantize: one('DEQUANTIZE'),
};

function writeOperator(operator: EdgeOperator, to: TfliteGraph): void {
  (writers[operator.op] as Writer<OperatorName>)(operator, to);
}
