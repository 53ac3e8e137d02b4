import { TensorProto_DataType as Type } from 'onnx-buf';
import { intOf, intsOf, type OnnxNode } from '../onnx-nodes.js';
import { tensorInts } from '../onnx-tensors.js';
import { axisIn, isNumber, product, type Dim, type Dims, type IntegerRule, type Known } from './dims.js';
import { sliced } from './rearranging.js';

const integerTypes: ReadonlySet<number> = new Set([Type.INT32.valueOf(), Type.INT64.valueOf()]);

const first: IntegerRule = ({ integers }) => integers(0);

const cast: IntegerRule = (known) => (integerTypes.has(intOf(known.node, 'to', 0)) ? first(known) : undefined);

const isVector = (dims: Dims | undefined): boolean => dims !== undefined && dims.length < 2;

const arithmetic =
  (of: (a: number, b: number) => number, neutral: number): IntegerRule =>
  ({ dims, integers }) => {
    const [a, b] = [integers(0), integers(1)];
    if (!isVector(dims(0)) || !isVector(dims(1))) return undefined;
    if (a === undefined || b === undefined || (a.length !== b.length && a.length !== 1 && b.length !== 1))
      return undefined;
    return Array.from({ length: Math.max(a.length, b.length) }, (_, i): Dim => {
      const [left, right] = [a[a.length === 1 ? 0 : i], b[b.length === 1 ? 0 : i]];
      if (isNumber(left) && isNumber(right)) return of(left, right);
      return right === neutral ? left : null;
    });
  };

const shape: IntegerRule = ({ node, dims }) => {
  const x = dims(0);
  if (x === undefined) return undefined;
  const end = intOf(node, 'end', x.length);
  return x.slice(axisIn(x.length, intOf(node, 'start', 0)), axisIn(x.length, end));
};

const gather: IntegerRule = ({ node, dims, integers }) => {
  if (!isVector(dims(0))) return undefined;
  const [x, indices] = [integers(0), integers(1)];
  if (intOf(node, 'axis', 0) !== 0 || x === undefined || !indices?.every(isNumber)) return undefined;
  return indices.map((index) => x[axisIn(x.length, index)]);
};

const concat: IntegerRule = ({ node, integers }) => {
  if (intOf(node, 'axis', 0) !== 0) return undefined;
  const all = node.input.map((_, i) => integers(i));
  return all.includes(undefined) ? undefined : all.flatMap((one) => one ?? []);
};

/** Some of the rows of a matrix, or of the elements of a vector. */
const slice: IntegerRule = ({ node, dims, integers }) => {
  const [x, starts, ends] = [integers(0), integers(1), integers(2)];
  const axes = node.input[3] ? integers(3) : [0];
  const steps = node.input[4] ? integers(4) : [1];
  const [rows, ...rest] = dims(0) ?? [];
  const row = product(rest);
  if (x === undefined || !isNumber(rows) || !isNumber(row) || axes?.length !== 1 || axes[0] !== 0) return undefined;
  const [start, end, step] = [starts?.[0], ends?.[0], steps?.[0]];
  if (!isNumber(start) || !isNumber(end) || !isNumber(step)) return undefined;
  const { first: begin, count } = sliced(rows, start, end, step);
  return Array.from({ length: count * row }, (_, i) => x[(begin + Math.floor(i / row) * step) * row + (i % row)]);
};

/** A matrix whose rows become columns. */
const transpose: IntegerRule = ({ node, dims, integers }) => {
  const x = integers(0);
  const [rows, columns, ...more] = dims(0) ?? [];
  const order = intsOf(node, 'perm') ?? [1, 0];
  if (x === undefined || !isNumber(rows) || !isNumber(columns) || more.length > 0 || order[0] !== 1) return undefined;
  return x.map((_, i) => x[(i % rows) * columns + Math.floor(i / rows)]);
};

/** Many of one number; without a value they are floats. */
const constantOfShape: IntegerRule = ({ node, integers }) => {
  const value = node.attribute.find(({ name }) => name === 'value')?.t;
  const [number] = (value && value.dataType === Type.INT64.valueOf() ? tensorInts(value) : undefined) ?? [];
  const extents = integers(0);
  const size = extents && product(extents);
  return isNumber(size) && isNumber(number) ? new Array<number>(size).fill(number) : undefined;
};

/** Operators that programs compute shapes with. */
const rules: Readonly<Partial<Record<string, IntegerRule>>> = {
  Add: arithmetic((a, b) => a + b, 0),
  Cast: cast,
  Concat: concat,
  ConstantOfShape: constantOfShape,
  Div: arithmetic((a, b) => Math.trunc(a / b), 1),
  Gather: gather,
  Identity: first,
  Reshape: first,
  Mul: arithmetic((a, b) => a * b, 1),
  Shape: shape,
  Slice: slice,
  Squeeze: first,
  Sub: arithmetic((a, b) => a - b, 0),
  Transpose: transpose,
  Unsqueeze: first,
};

/** The integers that a node gives, where they follow from what is known. */
export const integersOf = (operator: string, known: Known): readonly Dim[] | undefined => rules[operator]?.(known);

const joining: ReadonlySet<string> = new Set(['Add', 'Concat', 'Div', 'Mul', 'Sub']);

/** Whether the integers that a node gives are of int64, given which of those that it reads are. */
export function givesLong(node: OnnxNode, isLong: (name: string) => boolean): boolean {
  if (node.opType === 'Shape' || node.opType === 'ConstantOfShape') return true;
  if (node.opType === 'Cast') return intOf(node, 'to', 0) === Type.INT64.valueOf();
  return (joining.has(node.opType) ? node.input : node.input.slice(0, 1)).every(isLong);
}
