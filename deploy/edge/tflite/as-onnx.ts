import { isMapTask } from '../../../base/task.js';
import { headNames } from '../../../base/detections.js';
import { samePadding } from '../../../base/same-padding.js';
import { invalidInput } from '../../../base/errors.js';
import { encodeModel, float, int, ints, string, toStorage, type Attributes } from '../../../compiler/index.js';
import { metadataOf, metadataProps } from '../../metadata.js';
import { OnnxWriter } from '../../onnx-writer.js';
import type { EdgeTensor, TensorId } from '../program.js';
import { readTflite } from './decode.js';
import type { TfliteModel, TfliteOperator } from './encode.js';
import { metadataName } from './index.js';
import { clippings, paddings, type BuiltinName } from './schema.js';

/** The axes of an image in TFLite (NHWC), in the order of ONNX (NCHW); and the axes of ONNX in the order of TFLite. */
const [toChannelsFirst, toChannelsLast] = [
  [0, 3, 1, 2],
  [0, 2, 3, 1],
] as const;

const isImage = ({ shape }: EdgeTensor): boolean => shape.length === 4;

/** Adds the nodes of an operator; the result has its axes in the order of ONNX. */
type Rule = (operator: TfliteOperator, to: Translation) => string;

/**
 * A file in nodes of ONNX. Tensors of bytes are floats with QuantizeLinear and DequantizeLinear behind them; images have their channels
 * first.
 */
class Translation {
  readonly writer = new OnnxWriter('tflite');
  private readonly names = new Map<TensorId, string>();

  constructor(private readonly model: TfliteModel) {}

  tensor(id: TensorId): EdgeTensor {
    return this.model.tensors[id];
  }

  /** A float value: of an operator before, or a constant. */
  value(id: TensorId): string {
    const known = this.names.get(id);
    if (known !== undefined) return known;
    const tensor = this.tensor(id);
    if (tensor.data === undefined) throw invalidInput(`tensor '${tensor.name}' is read before it is computed`);
    const name = isImage(tensor) ? this.constant(tensor, toChannelsFirst) : this.constant(tensor);
    this.names.set(id, name);
    return name;
  }

  /** A constant in another order of its axes; bytes with their scales. */
  constant(
    { name, shape, data, quantization }: EdgeTensor,
    order = shape.map((_, axis) => axis) as readonly number[],
  ): string {
    if (data === undefined) throw invalidInput(`tensor '${name}' has no numbers`);
    const { writer } = this;
    const stored = writer.constant(
      toStorage(data, shape, order),
      order.map((axis) => shape[axis]),
    );
    if (data instanceof Float32Array) return stored;
    const { scales, axis = 0 } = quantization ?? { scales: Float32Array.of(1) };
    const sizes = scales.length > 1 ? [scales.length] : [];
    const zero = quantization?.zero ?? 0;
    const zeros = data instanceof Int8Array ? [writer.constant(new Int8Array(scales.length).fill(zero), sizes)] : [];
    const attributes = scales.length > 1 ? { axis: int(order.indexOf(axis)) } : {};
    return writer.add('DequantizeLinear', [stored, writer.floats(scales, sizes), ...zeros], attributes);
  }

  /** Integers such as axes and sizes. */
  numbers(id: TensorId): readonly number[] {
    const { data, name } = this.tensor(id);
    if (data instanceof Int32Array) return [...data];
    throw invalidInput(`tensor '${name}' is no constant of integers`);
  }

  /** Gives a tensor its value, in bytes where it has a scale. */
  keep(id: TensorId, value: string): void {
    const { element, quantization } = this.tensor(id);
    this.names.set(id, element === 'int8' && quantization !== undefined ? this.inBytes(value, quantization) : value);
  }

  private inBytes(value: string, { scales, zero }: NonNullable<EdgeTensor['quantization']>): string {
    const { writer } = this;
    const parameters = [writer.floats(scales.subarray(0, 1)), writer.constant(Int8Array.of(zero), [])];
    const bytes = writer.add('QuantizeLinear', [value, ...parameters]);
    return writer.add('DequantizeLinear', [bytes, ...parameters]);
  }

  /** A value in TFLite's order of axes: images are NHWC. */
  plain(id: TensorId): string {
    const value = this.value(id);
    return isImage(this.tensor(id))
      ? this.writer.add('Transpose', [value], { perm: ints([...toChannelsLast]) })
      : value;
  }

  /** Turns a value in TFLite's order of axes to ONNX's: images become NCHW. */
  turned(value: string, id: TensorId): string {
    return isImage(this.tensor(id))
      ? this.writer.add('Transpose', [value], { perm: ints([...toChannelsFirst]) })
      : value;
  }

  clipped(value: string, clip: number): string {
    if (clip === clippings.none) return value;
    const { writer } = this;
    return clip === clippings.relu
      ? writer.add('Relu', [value])
      : writer.add('Clip', [value, writer.floats([0]), writer.floats([6])]);
  }
}

/** A window of ONNX. */
function windowOf(
  { shape: [, height, width] }: EdgeTensor,
  options: TfliteOperator['options'],
  kernel: readonly number[],
): Attributes {
  const { strideH, strideW, dilationH = 1, dilationW = 1 } = options;
  const along = (size: number, kernelSize: number, stride: number, dilation: number) =>
    options['padding'] === paddings.same
      ? samePadding(size, (kernelSize - 1) * dilation + 1, stride)
      : ([0, 0] as const);
  const [top, bottom] = along(height, kernel[0], strideH, dilationH);
  const [left, right] = along(width, kernel[1], strideW, dilationW);
  return {
    kernel_shape: ints(kernel),
    strides: ints([strideH, strideW]),
    pads: ints([top, left, bottom, right]),
  };
}

/** @param order of the axes of weights in ONNX's */
const convolution =
  (order: readonly number[], groupsOf: (channels: number, depth: number) => number): Rule =>
  ({ inputs: [image, weights, bias], options }, to) => {
    const kernel = to.tensor(weights);
    const { dilationH, dilationW } = options;
    const channels = to.tensor(image).shape[3];
    const attributes = {
      ...windowOf(to.tensor(image), options, kernel.shape.slice(1, 3)),
      dilations: ints([dilationH, dilationW]),
      group: int(groupsOf(channels, kernel.shape[3])),
    };
    const inputs = [to.value(image), to.constant(kernel, order), to.constant(to.tensor(bias))];
    return to.clipped(to.writer.add('Conv', inputs, attributes), options['clip']);
  };

const arithmetic =
  (op: 'Add' | 'Mul'): Rule =>
  ({ inputs, options }, to) =>
    to.clipped(
      to.writer.add(
        op,
        inputs.map((id) => to.value(id)),
      ),
      options['clip'],
    );

const unary =
  (op: string, attributes: (options: TfliteOperator['options']) => Attributes = () => ({})): Rule =>
  ({ inputs: [x], options }, to) =>
    to.writer.add(op, [to.value(x)], attributes(options));

const pool =
  (op: 'MaxPool' | 'AveragePool'): Rule =>
  ({ inputs: [image], options }, to) =>
    to.writer.add(op, [to.value(image)], windowOf(to.tensor(image), options, [options['height'], options['width']]));

/** Pads with zeros, or with the number of a third input. */
const pad: Rule = ({ inputs: [image, pads, ...numbers] }, to) => {
  const sides = to.numbers(pads);
  const all = toChannelsFirst.map((axis) => [sides[2 * axis], sides[2 * axis + 1]] as const);
  const around = to.writer.integers([...all.map(([before]) => before), ...all.map(([, after]) => after)]);
  const value = numbers.map((number) => to.writer.add('Squeeze', [to.value(number)]));
  return to.writer.add('Pad', [to.value(image), around, ...value]);
};

const same: Rule = ({ inputs: [x] }, to) => to.value(x);

const rules: { readonly [B in BuiltinName]: Rule } = {
  ADD: arithmetic('Add'),
  AVERAGE_POOL_2D: pool('AveragePool'),
  CONCATENATION: ({ inputs, options }, to) => {
    const axis = isImage(to.tensor(inputs[0]))
      ? toChannelsFirst.indexOf(options['axis'] as 0 | 1 | 2 | 3)
      : options['axis'];
    return to.writer.add(
      'Concat',
      inputs.map((id) => to.value(id)),
      { axis: int(axis) },
    );
  },
  CONV_2D: convolution([0, 3, 1, 2], (channels, depth) => channels / depth),
  DEPTHWISE_CONV_2D: convolution([3, 0, 1, 2], (channels) => channels),
  DEQUANTIZE: same,
  HARD_SWISH: unary('HardSwish'),
  LEAKY_RELU: unary('LeakyRelu', ({ slope }) => ({ alpha: float(slope) })),
  LOGISTIC: unary('Sigmoid'),
  MAX_POOL_2D: pool('MaxPool'),
  MEAN: ({ inputs: [image] }, to) => to.writer.add('GlobalAveragePool', [to.value(image)]),
  MUL: arithmetic('Mul'),
  PAD: pad,
  PADV2: pad,
  QUANTIZE: same,
  RELU: unary('Relu'),
  RELU6: ({ inputs: [x] }, to) => to.clipped(to.value(x), clippings.relu6),
  RESHAPE: ({ inputs: [x], outputs: [y] }, to) =>
    to.turned(to.writer.add('Reshape', [to.plain(x), to.writer.integers(to.tensor(y).shape)]), y),
  RESIZE_NEAREST_NEIGHBOR: ({ inputs: [image], outputs: [y] }, to) => {
    const [batch, height, width, channels] = to.tensor(y).shape;
    const sizes = to.writer.integers([batch, channels, height, width]);
    const nearest = { mode: 'nearest', nearest_mode: 'floor', coordinate_transformation_mode: 'asymmetric' };
    const attributes = Object.entries(nearest).map(([key, text]) => [key, string(text)] as const);
    return to.writer.add('Resize', [to.value(image), '', '', sizes], Object.fromEntries(attributes));
  },
  SLICE: ({ inputs: [x, begin, size] }, to) => {
    const [starts, sizes] = [to.numbers(begin), to.numbers(size)];
    const order = isImage(to.tensor(x)) ? toChannelsFirst : starts.map((_, axis) => axis);
    const ends = starts.map((start, axis) => start + sizes[axis]);
    const bounds = [starts, ends].map((values) => to.writer.integers(order.map((axis) => values[axis])));
    return to.writer.add('Slice', [to.value(x), ...bounds]);
  },
  SOFTMAX: ({ inputs: [x], outputs: [y] }, to) =>
    to.turned(to.writer.add('Softmax', [to.plain(x)], { axis: int(-1) }), y),
  TANH: unary('Tanh'),
  TRANSPOSE: ({ inputs: [x, order], outputs: [y] }, to) =>
    to.turned(to.writer.add('Transpose', [to.plain(x)], { perm: ints(to.numbers(order)) }), y),
};

/**
 * A `.tflite` file of nas as an ONNX file with its metadata, of a batch of one image. Numbers of int8 files are rounded to the bytes
 * of the file after each operator; ONNX Runtime computes between them in its own way, so that some bytes differ by one from LiteRT's.
 * @param where what errors call the file
 * @throws NasError `invalid-input` as `readTflite`, and for damaged metadata
 */
export const tfliteAsOnnx = (bytes: Uint8Array, where: string): Uint8Array => readTflite(bytes, where, translated);

function translated(model: TfliteModel): Uint8Array {
  const metadata = metadataOf(metadataTexts(model), 'the metadata');
  const [input] = model.inputs;
  const to = new Translation(model);
  const { shape } = model.tensors[input];
  if (model.inputs.length !== 1 || shape.length !== 4)
    throw invalidInput(`it takes ${model.inputs.length} inputs, the first of ${shape.length} axes, not one image`);
  to.keep(input, to.writer.add('Transpose', ['input'], { perm: ints([...toChannelsFirst]) }));
  for (const operator of model.operators) to.keep(operator.outputs[0], rules[operator.name](operator, to));
  const task = metadata.task?.type;
  const names = isMapTask(task) ? headNames[task] : ['logits'];
  const outputs = model.outputs.map((id, i) => {
    const name = names[i];
    to.writer.add('Identity', [to.plain(id)], {}, name);
    return { name, dtype: 'float32', shape: model.tensors[id].shape } as const;
  });
  const { nodes, constants } = to.writer;
  const graph = {
    ...{ nodes, constants, outputs, block: null, types: new Map() },
    inputs: [{ name: 'input', dtype: 'float32', shape } as const],
  };
  return encodeModel(graph, { name: 'tflite', metadata: metadataProps({ ...metadata, layout: 'NHWC' }) });
}

function metadataTexts({ metadata }: TfliteModel): Readonly<Record<string, unknown>> {
  if (!(metadataName in metadata)) return {};
  try {
    return JSON.parse(metadata[metadataName]) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw invalidInput('its metadata is no JSON', { cause, hint: 'Export it again.' });
  }
}
