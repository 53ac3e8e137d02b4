import type { OnnxEditor } from '../editor.js';
import { intsOf, operatorOf, type OnnxNode } from '../onnx-nodes.js';
import { onnxTensor } from '../onnx-tensors.js';
import { inferShapes, isNumber, numbers } from '../shapes/index.js';

const sizeOf = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
const stridesOf = (dims: readonly number[]): number[] => dims.map((_, axis) => sizeOf(dims.slice(axis + 1)));

/** Reads a constant as what it broadcasts to; `strides` has none for the axes along which it repeats. */
function spread(data: Float32Array, strides: readonly number[], dims: readonly number[]): Float32Array {
  const result = new Float32Array(sizeOf(dims));
  const inner = dims.at(-1) ?? 1;
  const step = strides.at(-1) ?? 0;
  const outer = dims.slice(0, -1);
  const place = outer.map(() => 0);
  let from = 0;
  for (let row = 0; row < result.length; row += inner) {
    for (let i = 0, at = from; i < inner; i++, at += step) result[row + i] = data[at];
    // The next row: as an odometer counts, the last axis first.
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++place[axis] < outer[axis]) break;
      from -= strides[axis] * outer[axis];
      place[axis] = 0;
    }
  }
  return result;
}

/** A constant with its axes in another order. */
export const permuted = (data: Float32Array, dims: readonly number[], order: readonly number[]): Float32Array => {
  const strides = stridesOf(dims);
  return spread(
    data,
    order.map((axis) => strides[axis]),
    order.map((axis) => dims[axis]),
  );
};

/** A constant repeated to the extents that it broadcasts to. */
export const broadcastTo = (data: Float32Array, dims: readonly number[], to: readonly number[]): Float32Array => {
  const missing = to.length - dims.length;
  const own = stridesOf(dims);
  return spread(
    data,
    to.map((_, axis) => (axis < missing || dims[axis - missing] === 1 ? 0 : own[axis - missing])),
    to,
  );
};

/** The values of a node whose inputs are all constants, in float32 as the runtime would compute them. */
type Fold = (values: readonly Float32Array[], node: OnnxNode, dims: readonly (readonly number[])[]) => Float32Array;

const each =
  (of: (x: number) => number): Fold =>
  ([x]) =>
    x.map(of);
const pairwise =
  (of: (a: number, b: number) => number): Fold =>
  ([a, b]) =>
    a.map((value, i) => of(value, b[i]));
const same: Fold = ([x]) => x;

/** Of operators whose inputs broadcast, these are computed on what they broadcast to. */
const arithmetic: Readonly<Partial<Record<string, Fold>>> = {
  Add: pairwise((a, b) => a + b),
  Div: pairwise((a, b) => a / b),
  Mul: pairwise((a, b) => a * b),
  Sub: pairwise((a, b) => a - b),
  Neg: each((x) => -x),
  Reciprocal: each((x) => 1 / x),
  Sqrt: each(Math.sqrt),
};

const rearranging: Readonly<Partial<Record<string, Fold>>> = {
  Flatten: same,
  Reshape: same,
  Squeeze: same,
  Unsqueeze: same,
  Transpose: ([x], node, [dims]) => permuted(x, dims, intsOf(node, 'perm') ?? dims.map((_, i) => dims.length - 1 - i)),
};

function valueOf(editor: OnnxEditor, node: OnnxNode, dims: readonly number[]): Float32Array | undefined {
  const operator = operatorOf(node) ?? '';
  const fold = rearranging[operator] ?? arithmetic[operator];
  const read = operator in arithmetic ? node.input : node.input.slice(0, 1);
  const values = read.map((name) => editor.floats(name));
  const extents = read.map((name) => editor.dims(name) ?? []);
  if (fold === undefined || !values.every((value) => value !== undefined)) return undefined;
  if (operator in rearranging) return fold(values, node, extents);
  return fold(
    values.map((value, i) => broadcastTo(value, extents[i], dims)),
    node,
    extents,
  );
}

/** Computes what follows from constants, and shapes that follow from the extents of the model's input. */
export function foldConstants(editor: OnnxEditor): void {
  for (let folded = true; folded;) {
    folded = false;
    const shapes = inferShapes(editor);
    for (const node of editor.nodes) {
      const [name] = node.output;
      const dims = numbers(shapes.dims(name));
      if (dims === undefined || node.output.length !== 1 || editor.outputs.has(name)) continue;
      const integers = shapes.integers(name);
      const isShape = integers?.every(isNumber) === true && shapes.isLong(name) && integers.length === sizeOf(dims);
      const value = isShape ? BigInt64Array.from(integers, BigInt) : valueOf(editor, node, dims);
      if (value === undefined) continue;
      editor.settle(node, onnxTensor(name, dims, value));
      folded = true;
    }
  }
}
