import type { OnnxEditor } from '../editor.js';
import type { OnnxNode } from '../onnx-nodes.js';

/** An extent of a tensor: a number, the name of one that is open (the same name: the same extent), or `null`: unknown. */
export type Dim = number | string | null;
export type Dims = readonly Dim[];

/** What is known of the tensors that a node reads. */
export interface Known {
  readonly editor: OnnxEditor;
  readonly node: OnnxNode;
  /** Extents of an input; `undefined` where its rank is unknown. */
  readonly dims: (input: number) => Dims | undefined;
  /** Values of an input that holds integers, row by row. */
  readonly integers: (input: number) => readonly Dim[] | undefined;
}

/** Extents of what a node gives, one for each output that is known. */
export type ShapeRule = (known: Known) => readonly (Dims | undefined)[];

/** Integers that a node gives, where they are known. */
export type IntegerRule = (known: Known) => readonly Dim[] | undefined;

/** An axis that may be counted from the end. */
export const axisIn = (rank: number, axis: number): number => (axis < 0 ? axis + rank : axis);

export const isNumber = (dim: Dim | undefined): dim is number => typeof dim === 'number';

/** The extents as numbers; `undefined` where one is none. */
export const numbers = (dims: Dims | undefined): readonly number[] | undefined =>
  dims?.every(isNumber) ? dims : undefined;

/** Whether extents are those of images of one pixel. */
export const isOnePixel = (dims: Dims | undefined): dims is readonly [Dim, number, 1, 1] =>
  dims?.length === 4 && isNumber(dims[1]) && dims[2] === 1 && dims[3] === 1;

/** The product of extents; `null` where one is unknown. */
export const product = (dims: Dims): Dim => {
  const open = dims.filter((dim) => dim !== 1);
  if (open.length === 1) return open[0];
  return open.every(isNumber) ? open.reduce((a, b) => a * b, 1) : null;
};

function joined(a: Dim, b: Dim): Dim {
  if (a === b || b === 1) return a;
  if (a === 1) return b;
  // An open extent beside a number is that, or 1.
  if (isNumber(a)) return a;
  return isNumber(b) ? b : null;
}

/** The extents of what tensors of the given ones broadcast to. */
export function broadcast(all: readonly Dims[]): Dims {
  const rank = Math.max(...all.map((dims) => dims.length));
  return Array.from({ length: rank }, (_, axis) =>
    all.map((dims) => dims[axis - rank + dims.length] ?? (axis < rank - dims.length ? 1 : null)).reduce(joined),
  );
}
