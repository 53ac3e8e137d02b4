import { headNames } from '../../base/detections.js';
import { invalidInput } from '../../base/errors.js';
import type { ImageSize } from '../../base/image-pixels.js';
import {
  nodeLabel,
  numbersOf,
  scopeOf,
  sizeOf,
  type OnnxGraph,
  type OnnxNode,
  type Scope,
} from '../../compiler/index.js';
import { activationParameters, type Range } from '../quantize/numbers.js';
import { alike, channelsFirst, imageForm, plain, vector, type Placement } from './lower-axes.js';
import { bytes, ProgramBuilder, type Made } from './lower-program.js';
import type { EdgeProgram, Quantization, TensorId } from './program.js';

export interface LowerOptions {
  /** What the program takes and gives; int8 goes with int8 files only. Default: float. */
  readonly io?: 'float' | 'int8';
}

/** A constant of a graph; of bytes, with its scales. */
export interface GraphConstant {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int8Array | Uint8Array | Int32Array;
  /** Of bytes: one scale for each channel, or one for all. */
  readonly scales?: Float32Array;
  readonly zero?: number;
}

/** A value of the graph in the program. */
export interface GraphValue {
  readonly tensor: TensorId;
  readonly placement: Placement;
}

/** How a QuantizeLinear or DequantizeLinear reads bytes, as signed ones. */
interface ByteScale {
  readonly scale: number;
  readonly zero: number;
}

/** What the file says besides its graph. */
export interface Settings extends LowerOptions {
  readonly range: Range | undefined;
  readonly layout: string;
}

/** Operators that compute nothing. */
const moves: ReadonlySet<string> = new Set([
  ...['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Identity'],
]);

/** A graph on its way to a program: what the rules read and write. */
export class Lowering {
  readonly builder = new ProgramBuilder();
  readonly scope: Scope;
  private readonly values = new Map<string, GraphValue>();
  private readonly constants = new Map<string, GraphConstant>();
  private readonly firstNames = new Map<TensorId, string>();
  private readonly readers = new Map<string, OnnxNode[]>();
  private readonly outputs: ReadonlySet<string>;

  constructor(
    private readonly graph: OnnxGraph,
    private readonly where: string,
    private readonly settings: Settings,
  ) {
    this.scope = scopeOf(graph);
    this.outputs = new Set(graph.outputs.map(({ name }) => name));
    for (const node of graph.nodes)
      for (const name of new Set(node.inputs)) this.readers.set(name, [...(this.readers.get(name) ?? []), node]);
  }

  /** Nodes that depend on the image, and readers of constants of bytes, in order. */
  *nodes(): Generator<OnnxNode> {
    for (const node of this.graph.nodes)
      if (node.op === 'DequantizeLinear' || node.inputs.some(this.isActivation)) yield node;
  }

  refusal(node: OnnxNode, what: string, hint = 'Replace the layer in the network, or deploy the ONNX file.'): Error {
    return invalidInput(`${this.where}: layer '${nodeLabel(node)}' (${node.op}) ${what}`, { hint });
  }

  /** The value of a node's input. */
  value(node: OnnxNode, index = 0): GraphValue {
    const found = this.values.get(node.inputs[index]);
    if (found === undefined)
      throw this.refusal(node, `needs an input of the image, but '${node.inputs[index]}' is constant`);
    return found;
  }

  isActivation = (name: string): boolean => this.values.has(name);

  /** The input as an image [1, height, width, channels]. */
  image(node: OnnxNode, index = 0): TensorId {
    const { tensor, placement } = this.value(node, index);
    const form = imageForm(placement);
    if (form === undefined)
      throw this.refusal(
        node,
        `reads a tensor [${placement.axes.map((parts) => sizeOf(parts.map(({ size }) => size)))}] whose numbers do not lie as those of an image`,
        'Networks with tensors of other than images and vectors have no such program; deploy the ONNX file.',
      );
    const { builder } = this;
    const { name, quantization } = builder.tensor(tensor);
    const shape = [1, ...form.size];
    let image = tensor;
    if (builder.tensor(image).shape.join() !== shape.join())
      image = builder.emit(
        { op: 'reshape', label: nodeLabel(node), inputs: [image] },
        { name: `${name}/image`, shape, quantization },
      );
    if (form.groups !== undefined)
      image = builder.emit(
        { op: 'shuffle', label: nodeLabel(node), inputs: [image], groups: form.groups },
        { name: `${name}/shuffled`, shape, quantization },
      );
    if (image !== tensor)
      this.values.set(node.inputs[index], {
        tensor: image,
        placement: placement.axes.length === 4 ? channelsFirst(form.size) : vector(form.size[2]),
      });
    return image;
  }

  sizeOf(image: TensorId): ImageSize {
    const [, height, width, channels] = this.builder.tensor(image).shape;
    return [height, width, channels];
  }

  isBytes = (tensor: TensorId): boolean => this.builder.tensor(tensor).element === 'int8';

  /** The sizes of a tensor of the graph, for a batch of one image. */
  shapeOf(node: OnnxNode, name: string): readonly number[] {
    const shape = this.graph.types.get(name)?.shape;
    const sizes = shape?.map((size, axis) => (axis === 0 && typeof size === 'string' ? 1 : size));
    if (!sizes?.every((size) => typeof size === 'number'))
      throw this.refusal(
        node,
        `has the shape [${shape?.map((size) => size ?? '?') ?? '?'}], which is not known for one image`,
        'Export the model with a fixed image size.',
      );
    return sizes;
  }

  /** A constant input; undefined where the input is left out or no constant. */
  constant(name: string | undefined): GraphConstant | undefined {
    const read = this.constants.get(name ?? '');
    if (read !== undefined) return read;
    const found = this.graph.constants.get(name ?? '');
    return found?.data instanceof Float32Array ? { shape: found.shape, data: found.data } : undefined;
  }

  /** Integers such as axes and pads; null where they are not known. */
  numbers = (name: string): readonly number[] | null => numbersOf(this.scope, name);

  /** Whether nothing but one node reads a value. */
  isReadOnce = (name: string): boolean => this.readers.get(name)?.length === 1 && !this.outputs.has(name);

  /** The bytes that a QuantizeLinear makes of a value; undefined where none does. */
  written(name: string): ByteScale | undefined {
    const node = this.readers.get(name)?.find(({ op }) => op === 'QuantizeLinear');
    return node && this.byteScaleOf(node);
  }

  /** Scale and zero of a QuantizeLinear or DequantizeLinear, as of signed bytes. */
  byteScaleOf(node: OnnxNode): ByteScale {
    const [, scales, zeros = ''] = node.inputs;
    const scale = this.graph.constants.get(scales)?.data;
    const zero = this.graph.constants.get(zeros);
    if (!(scale instanceof Float32Array) || scale.length !== 1)
      throw this.refusal(
        node,
        'has no constant scale for the whole tensor',
        'Quantize the float model with nas quantize.',
      );
    const value = Number(zero?.data[0] ?? 0);
    return { scale: scale[0], zero: zero?.dtype === 'int8' ? value : value - 128 };
  }

  /** How the results of a node are stored: floats where its inputs are; else as the file says. */
  quantizationFor(node: OnnxNode, inputs: readonly TensorId[]): Quantization | undefined {
    if (!inputs.some(this.isBytes)) return undefined;
    const [name] = node.outputs;
    const written = this.written(name);
    if (written !== undefined) return bytes(written.scale, written.zero);
    if (!this.isEnd(name))
      throw this.refusal(
        node,
        'computes in float32 in this int8 file',
        'Replace the layer in the network, or export in float32.',
      );
    if (this.settings.range === undefined)
      throw this.refusal(
        node,
        'computes the outputs in float32; the file does not say in which range they are',
        'Quantize the float model again: nas quantize writes the range into the file.',
      );
    const { scale, zero } = activationParameters(this.settings.range);
    return bytes(scale, zero - 128);
  }

  /** Adds an operator whose result is an image, as the node's output. */
  put(
    node: OnnxNode,
    operator: Made,
    size: ImageSize,
    quantization = this.quantizationFor(node, operator.inputs),
  ): TensorId {
    const [name] = node.outputs;
    const tensor = this.builder.emit(operator, { name, shape: [1, ...size], quantization });
    this.keepImage(name, tensor);
    return tensor;
  }

  /** Adds an operator whose result lies as an input does. */
  putAlike(
    node: OnnxNode,
    operator: Made,
    { placement, tensor }: GraphValue,
    quantization = this.quantizationFor(node, operator.inputs),
  ): void {
    const [name] = node.outputs;
    const { shape } = this.builder.tensor(tensor);
    const result = this.builder.emit(operator, { name, shape, quantization });
    this.values.set(name, { tensor: result, placement });
    this.firstNames.set(result, name);
  }

  /** The value of the graph that an operator computed first. */
  madeBy = (tensor: TensorId): string | undefined => this.firstNames.get(tensor);

  /** An image that an output of a node is. */
  keepImage(name: string, tensor: TensorId): void {
    const size = this.sizeOf(tensor);
    const rank = this.graph.types.get(name)?.shape.length;
    this.values.set(name, { tensor, placement: rank === 2 ? vector(size[2]) : channelsFirst(size) });
    this.firstNames.set(tensor, name);
  }

  /** Whether the bytes of a value are read at another scale than they are written at. */
  isGate(name: string): boolean {
    const quantizer = this.readers.get(name)?.find(({ op }) => op === 'QuantizeLinear');
    const reader = quantizer && this.readers.get(quantizer.outputs[0])?.find(({ op }) => op === 'DequantizeLinear');
    if (quantizer === undefined || reader === undefined) return false;
    const [written, read] = [this.byteScaleOf(quantizer), this.byteScaleOf(reader)];
    return written.scale !== read.scale || written.zero !== read.zero;
  }

  /** The scale at which bytes of the graph are written. */
  writtenAs(bytesName: string): ByteScale | undefined {
    const node = this.scope.producer(bytesName);
    return node?.op === 'QuantizeLinear' ? this.byteScaleOf(node) : undefined;
  }

  /** Keeps the constant that a DequantizeLinear reads. */
  readBytes(node: OnnxNode): void {
    const [x, scales, zeros = ''] = node.inputs;
    const values = this.graph.constants.get(x);
    const scale = this.graph.constants.get(scales)?.data;
    const zero = this.graph.constants.get(zeros)?.data;
    const isKnown =
      values?.data instanceof Int8Array || values?.data instanceof Uint8Array || values?.data instanceof Int32Array;
    if (values === undefined || !isKnown || !(scale instanceof Float32Array)) return;
    const data = values.data;
    const isOne = zero === undefined || zero.every((one: number | bigint) => one === zero[0]);
    if (!isOne)
      throw this.refusal(node, 'has constants with several zeros', 'Quantize the float model with nas quantize.');
    this.constants.set(node.outputs[0], { shape: values.shape, data, scales: scale, zero: Number(zero?.[0] ?? 0) });
  }

  /** Gives a node's output the numbers of a value. */
  same(node: OnnxNode, value: GraphValue): void {
    this.values.set(node.outputs[0], value);
  }

  alike = (a: GraphValue, b: GraphValue): boolean => alike(a.placement, b.placement);

  /** Whether a value is the output, or only moves and a softmax are between. */
  private isEnd(name: string): boolean {
    if (this.outputs.has(name)) return true;
    const readers = this.readers.get(name) ?? [];
    const isPassed = ({ op, outputs }: OnnxNode) => (moves.has(op) || op === 'Softmax') && this.isEnd(outputs[0]);
    return readers.length > 0 && readers.every(isPassed);
  }

  /** The bytes that the first QuantizeLinear makes of a value, also after it was moved. */
  private writtenBehindMoves(name: string): ByteScale | undefined {
    const reader = this.readers.get(name)?.at(0);
    const isMoved = reader !== undefined && moves.has(reader.op);
    return this.written(name) ?? (isMoved ? this.writtenBehindMoves(reader.outputs[0]) : undefined);
  }

  /** Adds the input. */
  readInput(): TensorId {
    const [{ name, shape }] = this.graph.inputs;
    const [batch, ...sizes] = shape;
    const { where } = this;
    if (typeof batch === 'number' && batch !== 1)
      throw invalidInput(`${where} takes ${batch} images at once; programs of phones and microcontrollers take one`, {
        hint: 'Export the model with an open batch, or with a batch of 1.',
      });
    if (sizes.length !== 3 || !sizes.every((size) => typeof size === 'number'))
      throw invalidInput(`${where} takes images [${shape.map((size) => size ?? '?').join(', ')}], of no fixed size`, {
        hint: 'Export the model with a fixed image size.',
      });
    const [a, b, c] = sizes;
    const isLast = this.settings.layout === 'NHWC';
    const size: ImageSize = isLast ? [a, b, c] : [b, c, a];
    const placement = isLast ? plain([1, ...size]) : channelsFirst(size);
    const written = this.settings.io === 'int8' ? this.writtenBehindMoves(name) : undefined;
    if (this.settings.io === 'int8' && written === undefined)
      throw invalidInput(`${where} does not make bytes of its images, so it cannot take bytes`, {
        hint: 'Leave --io out.',
      });
    const quantization = written && bytes(written.scale, written.zero);
    const tensor = this.builder.activation({ name, shape: [1, ...size], quantization });
    this.values.set(name, { tensor, placement });
    return tensor;
  }

  /** Adds what the outputs need; the program. */
  finish(input: TensorId): EdgeProgram {
    return this.builder.finish(
      input,
      this.graph.outputs.map(({ name }) => this.finishOutput(name)),
    );
  }

  /** Scores as a vector; a detector's maps as they are. */
  private finishOutput(name: string): TensorId {
    const { builder } = this;
    const found = this.values.get(name);
    if (found === undefined) throw invalidInput(`${this.where}: its output '${name}' does not depend on the image`);
    const inOrder = found.placement.axes.flat().every((part, i) => part === found.placement.stored[i]);
    if (!inOrder)
      throw invalidInput(
        `${this.where}: its output '${name}' is neither a vector of one image nor a map with channels last`,
        {
          hint: 'Only classifiers and detectors are supported.',
        },
      );
    const { shape, quantization } = builder.tensor(found.tensor);
    const isMap = headNames.detection.some((head) => head === name) && shape.length === 4;
    let output = found.tensor;
    if (!isMap)
      output = builder.emit(
        { op: 'reshape', label: name, inputs: [output] },
        { name: `${name}/flat`, shape: [1, sizeOf(shape)], quantization },
      );
    if (quantization !== undefined && this.settings.io !== 'int8')
      output = builder.emit(
        { op: 'dequantize', label: name, inputs: [output] },
        { name: `${name}/float`, shape: builder.tensor(output).shape },
      );
    // Programs that read a file find its maps by their names.
    if (isMap) builder.rename(output, name);
    return output;
  }
}

/** Adds to the program what a node computes. */
export type Rule = (node: OnnxNode, it: Lowering) => void;
