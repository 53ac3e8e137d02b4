import type { OnnxEditor } from '../editor.js';
import { int, intOf, intsOf, onnxNode, operatorOf, type OnnxNode } from '../onnx-nodes.js';
import { axisIn, inferShapes, isNumber, isOnePixel, type Shapes } from '../shapes/index.js';
import { denseAsConvolution } from './dense-as-convolution.js';
import { channelAxis, constantAsImage, fromImage, lieAlike, type Vector } from './vectors.js';

interface Scope {
  readonly editor: OnnxEditor;
  readonly shapes: Shapes;
  /** Tensors that hold vectors of channels, by name. */
  readonly vectors: ReadonlyMap<string, Vector>;
}

/** What gives, under the name `result`, the image of a node's result; nothing where the node is not understood. */
type AsImage = (node: OnnxNode, scope: Scope, result: string) => OnnxNode | undefined;

/** Each value by itself: the same in whatever shape. */
const elementwise: AsImage = (node, { vectors }, result) => {
  const vector = vectors.get(node.input[0]);
  return vector && { ...node, input: [vector.image, ...node.input.slice(1)], output: [result] };
};

const pairwise: AsImage = (node, { editor, vectors }, result) => {
  const first = node.input.map((name) => vectors.get(name)).find((vector) => vector !== undefined);
  if (first === undefined) return undefined;
  const read = node.input.map((name) => {
    const vector = vectors.get(name);
    if (vector === undefined) return constantAsImage(editor, name, first);
    return lieAlike(vector, first) ? vector.image : undefined;
  });
  return read.every((name) => name !== undefined) ? { ...node, input: read, output: [result] } : undefined;
};

const normalization: AsImage = (node, scope, result) =>
  scope.vectors.get(node.input[0])?.axis === 1 ? elementwise(node, scope, result) : undefined;

const concat: AsImage = (node, { vectors }, result) => {
  const read = node.input.map((name) => vectors.get(name));
  const isAlong = read.every((one) => one?.axis === axisIn(one?.dims.length ?? 0, intOf(node, 'axis', 0)));
  if (!isAlong || !read.every((one) => one !== undefined)) return undefined;
  const joined = onnxNode(
    'Concat',
    read.map(({ image }) => image),
    [result],
    { axis: int(1) },
  );
  return { ...joined, name: node.name };
};

const dense: AsImage = (node, { editor, shapes, vectors }, result) => {
  const vector = vectors.get(node.input[0]);
  if (vector !== undefined && vector.axis !== vector.dims.length - 1) return undefined;
  return denseAsConvolution(editor, shapes, node, vector?.image, result);
};

const rules: Readonly<Partial<Record<string, AsImage>>> = {
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

const rearranging: ReadonlySet<string> = new Set(['Flatten', 'Reshape', 'Squeeze', 'Unsqueeze', 'Transpose']);

/** What a node only gives other extents, or an order of axes that moves no value. */
function sameVector(node: OnnxNode, { shapes, vectors }: Scope): Vector | undefined {
  if (!rearranging.has(operatorOf(node) ?? '')) return undefined;
  const [x] = node.input;
  const [before, dims] = [shapes.dims(x), shapes.dims(node.output[0])];
  const own = isOnePixel(before) ? { image: x, channels: before[1], axis: 1 } : undefined;
  const vector = vectors.get(x) ?? own;
  const axis = vector && channelAxis(dims, vector.channels);
  if (vector === undefined || dims === undefined || axis === undefined || before === undefined) return undefined;
  const order = intsOf(node, 'perm');
  const inOrder =
    order === undefined || order.filter((one) => before[one] !== 1).every((one, i, all) => i === 0 || all[i - 1] < one);
  const isFixed = operatorOf(node) !== 'Transpose' || (order !== undefined && inOrder);
  return isFixed ? { image: vector.image, channels: vector.channels, dims, axis } : undefined;
}

function vectorOf(scope: Scope, name: string, image: string, channels: number): Vector | undefined {
  const dims = scope.shapes.dims(name);
  const axis = channelAxis(dims, channels);
  return dims === undefined || axis === undefined ? undefined : { image, channels, dims, axis };
}

/** The channels that a node gives, where its result is a vector. */
function channelsAfter(node: OnnxNode, { editor, shapes, vectors }: Scope): number | undefined {
  if (operatorOf(node) === 'MatMul') return editor.dims(node.input[1])?.[1];
  const axis = node.input.map((name) => vectors.get(name)?.axis).find((one) => one !== undefined);
  const extent = axis === undefined ? undefined : shapes.dims(node.output[0])?.[axis];
  return isNumber(extent) ? extent : undefined;
}

/**
 * Vectors of channels stay images of one pixel: what follows a pooling (dense layers, activations, gates of
 * squeeze-excite) is computed on [N, C, 1, 1], dense layers as convolutions. Without reshapes in between, ONNX Runtime keeps one
 * layout of its memory from the first convolution to the last.
 */
export function vectorsAsImages(editor: OnnxEditor): void {
  const vectors = new Map<string, Vector>();
  const scope: Scope = { editor, shapes: inferShapes(editor), vectors };
  for (const { output } of editor.nodes) {
    const [name] = output;
    // As it is now: what it reads may be an image by now.
    const node = editor.producer(name);
    if (node === undefined || output.length > 1) continue;
    const same = sameVector(node, scope);
    if (same !== undefined) {
      if (isOnePixel(same.dims) && same.axis === 1) editor.replaceUses(name, same.image);
      else {
        vectors.set(name, same);
        editor.replace(node, fromImage(editor, same, name));
      }
      continue;
    }
    const channels = channelsAfter(node, scope);
    const result = editor.fresh(`${name}/image`);
    const vector = channels === undefined ? undefined : vectorOf(scope, name, result, channels);
    const made = vector && rules[operatorOf(node) ?? '']?.(node, scope, result);
    if (vector === undefined || made === undefined) continue;
    editor.insertBefore(node, made);
    vectors.set(name, vector);
    editor.replace(node, fromImage(editor, vector, name));
  }
  editor.sweep();
}
