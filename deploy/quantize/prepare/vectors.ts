/** Rules that keep vectors of channels images of one pixel, and make dense layers convolutions. */
import {
  int,
  intOf,
  ints,
  intsOf,
  isFixed,
  toStorage,
  type NewNode,
  type OnnxNode,
  type Shape,
} from '../../../compiler/index.js';
import { channelsFirst } from './pooling.js';
import { isOnePixel, named, type Editor, type Replace, type Rules } from './values.js';

/** A tensor that holds a vector of channels for each image: [N, C], perhaps with further axes of size 1. */
interface Vector {
  /** The tensor [N, C, 1, 1] with the same values. */
  readonly image: string;
  readonly channels: number;
  readonly shape: Shape;
  /** Where the channels are among its axes. */
  readonly axis: number;
}

/** Tensors that hold vectors of channels, by name. */
type Vectors = Map<string, Vector>;

/** The channel axis of a tensor that holds one vector of channels per image. */
function channelAxis(shape: Shape | undefined, channels: number): number | undefined {
  if (shape === undefined || shape.length < 2) return undefined;
  const long = [...shape.keys()].filter((axis) => shape[axis] !== 1);
  if (channels === 1) {
    // One channel: behind the batch, which may be 1 too.
    const batch = long.at(0) ?? 0;
    return long.length <= 1 && batch < shape.length - 1 ? shape.length - 1 : undefined;
  }
  const axis = long.at(-1);
  return axis !== undefined && axis > 0 && long.length <= 2 && shape[axis] === channels ? axis : undefined;
}

function vectorOf(shape: Shape | undefined, image: string, channels: number): Vector | undefined {
  const axis = channelAxis(shape, channels);
  return shape === undefined || axis === undefined ? undefined : { image, channels, shape, axis };
}

/** Whether two vectors combine element by element. */
const lieAlike = (a: Vector, b: Vector): boolean =>
  a.channels === b.channels && a.shape.length === b.shape.length && a.shape.every((size, i) => size === b.shape[i]);

/** Computes a vector from its image. */
function fromImage(editor: Editor, { image, shape, axis }: Vector, name: string): NewNode<string> {
  if (shape.length === 2 && axis === 1) return { op: 'Flatten', inputs: [image], outputs: [name] };
  const target = shape.map((size) => (isFixed(size) ? size : -1));
  return { op: 'Reshape', inputs: [image, editor.addIntegers(`${name}/shape`, target)], outputs: [name] };
}

/** A constant per channel, or one for all, in the shape that fits a vector's image; undefined for other constants. */
function constantAsImage(editor: Editor, name: string, { shape, axis, channels }: Vector): string | undefined {
  const values = editor.floats(name);
  const own = editor.shapeOf(name);
  const missing = shape.length - own.length;
  const isAlong = missing >= 0 && own.every((size, i) => size === 1 || (i + missing === axis && size === channels));
  if (values === undefined || !isAlong) return undefined;
  return values.length === 1
    ? editor.addConstant(`${name}/one`, [], values)
    : editor.addConstant(`${name}/image`, [1, channels, 1, 1], values);
}

/** The image that a dense layer reads completely. */
interface Source {
  readonly image: string;
  /** Channels, rows, columns. */
  readonly size: Shape;
  /** Whether the flattened image has the channels of a pixel side by side. */
  readonly channelsLast: boolean;
}

function flattened(editor: Editor, vector: string): Source | undefined {
  const node = editor.producer(vector);
  const shape = editor.shape(vector);
  if (node === undefined || shape?.length !== 2) return undefined;
  if (node.op !== 'Reshape' && !(node.op === 'Flatten' && intOf(node, 'axis', 1) === 1)) return undefined;
  const turned = channelsFirst(editor, node.inputs[0]);
  const image = turned ?? node.inputs[0];
  const [, ...size] = editor.shapeOf(image);
  const [channels, rows, columns] = size;
  if (size.length !== 3 || !size.every(isFixed) || shape[1] !== channels * rows * columns) return undefined;
  return { image, size, channelsLast: turned !== undefined };
}

/**
 * The product of a vector and a constant matrix [inputs, outputs] as a convolution. Its window is the whole image that holds
 * the vector: one pixel, or all pixels that were flattened into the vector.
 * @param image the image of one pixel that holds the vector, if there is one
 * @param result the name of the output, [N, outputs, 1, 1]
 */
function denseAsConvolution(editor: Editor, node: OnnxNode, image: string | undefined, result: string) {
  const [vector, matrix] = node.inputs;
  const weights = editor.floats(matrix);
  const shape = editor.shapeOf(matrix);
  if (weights === undefined || shape.length !== 2) return undefined;
  const [inputs, outputs] = shape;
  const pixel: Source | undefined =
    image === undefined ? undefined : { image, size: [inputs, 1, 1], channelsLast: false };
  const source = pixel ?? flattened(editor, vector);
  if (source === undefined) return undefined;
  const [channels, rows, columns] = source.size;
  const kernel = source.channelsLast
    ? toStorage(weights, [rows, columns, channels, outputs], [3, 2, 0, 1])
    : toStorage(weights, [inputs, outputs], [1, 0]);
  const constant = editor.addConstant(`${matrix}/kernel`, [outputs, channels, rows, columns], kernel);
  return named(node, 'Conv', [source.image, constant], [result], { kernel_shape: ints([rows, columns]) });
}

/** Computes the image of a node's result under the name `result`; undefined for unknown nodes. */
type AsImage = (node: OnnxNode, vectors: Vectors, result: string, editor: Editor) => NewNode<string> | undefined;

/** An elementwise operator: the same in any shape. */
const elementwise: AsImage = (node, vectors, result) => {
  const vector = vectors.get(node.inputs[0]);
  return vector && { ...node, inputs: [vector.image, ...node.inputs.slice(1)], outputs: [result] };
};

const pairwise: AsImage = (node, vectors, result, editor) => {
  const first = node.inputs.map((name) => vectors.get(name)).find((vector) => vector !== undefined);
  if (first === undefined) return undefined;
  const inputs = node.inputs.map((name) => {
    const vector = vectors.get(name);
    if (vector === undefined) return constantAsImage(editor, name, first);
    return lieAlike(vector, first) ? vector.image : undefined;
  });
  return inputs.every((name) => name !== undefined) ? { ...node, inputs, outputs: [result] } : undefined;
};

const normalization: AsImage = (node, vectors, ...rest) =>
  vectors.get(node.inputs[0])?.axis === 1 ? elementwise(node, vectors, ...rest) : undefined;

const concat: AsImage = (node, vectors, result) => {
  const axis = intOf(node, 'axis', 0);
  const read = node.inputs.map((name) => vectors.get(name));
  const isAlong = read.every((one) => one && one.axis === (axis < 0 ? axis + one.shape.length : axis));
  if (!isAlong || !read.every((one) => one !== undefined)) return undefined;
  const images = read.map(({ image }) => image);
  return named(node, 'Concat', images, [result], { axis: int(1) });
};

const dense: AsImage = (node, vectors, result, editor) => {
  const vector = vectors.get(node.inputs[0]);
  if (vector !== undefined && vector.axis !== vector.shape.length - 1) return undefined;
  return denseAsConvolution(editor, node, vector?.image, result);
};

const asImage: Readonly<Record<string, AsImage>> = {
  Add: pairwise,
  BatchNormalization: normalization,
  Clip: elementwise,
  Concat: concat,
  Elu: elementwise,
  HardSigmoid: elementwise,
  LeakyRelu: elementwise,
  MatMul: dense,
  Mul: pairwise,
  Relu: elementwise,
  Selu: elementwise,
  Sigmoid: elementwise,
  Softplus: elementwise,
  Tanh: elementwise,
};

/** The vector that a node reshapes, or transposes without moving a value. */
function sameVector(node: OnnxNode, vectors: Vectors, editor: Editor): Vector | undefined {
  const [x] = node.inputs;
  const before = editor.shape(x);
  if (before === undefined) return undefined;
  const { image, channels } = vectors.get(x) ?? (isOnePixel(before) ? { image: x, channels: before[1] } : {});
  if (image === undefined || channels === undefined) return undefined;
  const order = intsOf(node, 'perm') ?? before.map((_, axis) => before.length - 1 - axis);
  const moving = order.filter((axis) => before[axis] !== 1);
  const isInOrder = moving.every((axis, i) => i === 0 || moving[i - 1] < axis);
  return node.op !== 'Transpose' || isInOrder ? vectorOf(editor.shape(node.outputs[0]), image, channels) : undefined;
}

/** The channels of a node's result, where it is a vector. */
function channelsAfter(node: OnnxNode, vectors: Vectors, editor: Editor): number | undefined {
  if (node.op === 'MatMul') return editor.constant(node.inputs[1])?.shape[1];
  const axis = node.inputs.map((name) => vectors.get(name)?.axis).find((one) => one !== undefined);
  const size = axis === undefined ? NaN : editor.shapeOf(node.outputs[0])[axis];
  return isFixed(size) ? size : undefined;
}

/**
 * Vectors of channels stay images of one pixel: layers after a pooling (dense layers, activations, gates of
 * squeeze-excite) compute on [N, C, 1, 1], dense layers as convolutions. Without reshapes in between, ONNX Runtime keeps one
 * layout of its memory from the first convolution to the last.
 */
export function vectorsAsImages(): Rules {
  const vectors: Vectors = new Map();
  const rearranged: Replace = (node, { editor }) => {
    const [name] = node.outputs;
    const same = sameVector(node, vectors, editor);
    if (same === undefined) return null;
    if (isOnePixel(same.shape) && same.axis === 1) {
      editor.replaceUses(name, same.image);
      return null;
    }
    vectors.set(name, same);
    return [fromImage(editor, same, name)];
  };
  const computed: Replace = (node, { editor }) => {
    const [name, ...others] = node.outputs;
    const channels = others.length > 0 ? undefined : channelsAfter(node, vectors, editor);
    const result = editor.fresh(`${name}/image`);
    const vector = channels === undefined ? undefined : vectorOf(editor.shape(name), result, channels);
    const made = vector && asImage[node.op](node, vectors, result, editor);
    if (vector === undefined || made === undefined) return null;
    vectors.set(name, vector);
    return [made, fromImage(editor, vector, name)];
  };
  return [
    { match: [['Flatten', 'Reshape', 'Squeeze', 'Unsqueeze', 'Transpose']], replace: rearranged },
    { match: [Object.keys(asImage)], replace: computed },
  ];
}
