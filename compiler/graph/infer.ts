import { intOf, intsOf } from './attributes.js';
import { scopeOf, type OnnxGraph, type OnnxNode, type Scope } from './graph.js';
import { sliced } from './movement-rules.js';
import { inferTypes } from './operators.js';
import { isFixed, sizeOf, valueType, type Shape, type TensorType, type ValueType } from './types.js';

/** The inputs of a node: known integers (NaN: an unknown element) and shapes. */
interface Operands {
  readonly values: (input: number) => readonly number[] | null;
  readonly shape: (input: number) => Shape | undefined;
}
/** Integers that a node computes, row by row; null where they are unknown. */
type IntegerRule = (node: OnnxNode, operands: Operands) => readonly number[] | null;

const first: IntegerRule = (_, { values }) => values(0);

const isVector = (shape: Shape | undefined): boolean => shape !== undefined && shape.length < 2;

const arithmetic =
  (of: (a: number, b: number) => number): IntegerRule =>
  (_, { values, shape }) => {
    const [a, b] = [values(0), values(1)];
    if (!a || !b || !isVector(shape(0)) || !isVector(shape(1))) return null;
    if (a.length !== b.length && a.length !== 1 && b.length !== 1) return null;
    return Array.from({ length: Math.max(a.length, b.length) }, (_element, i) =>
      of(a[a.length === 1 ? 0 : i], b[b.length === 1 ? 0 : i]),
    );
  };

/** Sums with an open size are not multiples of it. */
const sum = (a: number, b: number): number => (a === 0 || b === 0 || (isFixed(a) && isFixed(b)) ? a + b : NaN);

const gather: IntegerRule = (node, { values, shape }) => {
  const [x, indices] = [values(0), values(1)];
  if (!x || !indices || !isVector(shape(0)) || intOf(node, 'axis', 0) !== 0) return null;
  return indices.map((index) => x[index < 0 ? index + x.length : index] ?? NaN);
};

const concat: IntegerRule = (node, { values }) => {
  const parts = node.inputs.map((_, i) => values(i));
  return parts.every((part) => part !== null) && intOf(node, 'axis', 0) < 1 ? parts.flat() : null;
};

/** Some of the rows of a matrix, or of the elements of a vector. */
const slice: IntegerRule = (node, { values, shape }) => {
  const [x, starts, ends] = [values(0), values(1), values(2)];
  const axes = node.inputs[3] ? values(3) : [0];
  const steps = node.inputs[4] ? values(4) : [1];
  const [rows, ...rest] = shape(0) ?? [];
  const row = sizeOf(rest);
  if (!x || !starts || !ends || !steps || axes?.length !== 1 || axes[0] !== 0 || x.length !== rows * row) return null;
  const { first: begin, count } = sliced(rows, starts[0], ends[0], steps[0]);
  if (!isFixed(count)) return null;
  return Array.from({ length: count * row }, (_, i) => x[(begin + Math.floor(i / row) * steps[0]) * row + (i % row)]);
};

/** A matrix whose rows become columns. */
const transpose: IntegerRule = (node, { values, shape }) => {
  const x = values(0);
  const [rows, columns, ...more] = shape(0) ?? [];
  const order = intsOf(node, 'perm') ?? [1, 0];
  if (x?.length !== rows * columns || more.length > 0 || order[0] !== 1) return null;
  return x.map((_, i) => x[(i % rows) * columns + Math.floor(i / rows)]);
};

const constantOfShape: IntegerRule = (node, { values }) => {
  const { value } = node.attributes;
  const size = sizeOf(values(0) ?? [NaN]);
  return value?.kind === 'tensor' && isFixed(size) ? new Array<number>(size).fill(Number(value.value.data[0])) : null;
};

const constant: IntegerRule = (node) => {
  const { value } = node.attributes;
  if (value?.kind === 'tensor') return Array.from(value.value.data, Number);
  const int = intOf(node, 'value_int', null);
  return intsOf(node, 'value_ints') ?? (int === null ? null : [int]);
};

/** Operators that programs compute shapes with. */
const integerRules: Readonly<Partial<Record<string, IntegerRule>>> = {
  Add: arithmetic(sum),
  Cast: first,
  Concat: concat,
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Div: arithmetic((a, b) => Math.trunc(a / b)),
  Gather: gather,
  Identity: first,
  Mul: arithmetic((a, b) => a * b),
  Reshape: first,
  Shape: (node, { shape }) => shape(0)?.slice(intOf(node, 'start', 0), intOf(node, 'end', undefined)) ?? null,
  Slice: slice,
  Squeeze: first,
  Sub: arithmetic((a, b) => sum(a, -b)),
  Transpose: transpose,
  Unsqueeze: first,
};

/** Numbers that a value is known to hold: constants, and integers that follow from those and from shapes. */
export function numbersOf(scope: Scope, name: string): readonly number[] | null {
  const known = scope.constant(name);
  if (known) return known.dtype === 'opaque' ? null : Array.from(known.data, Number);
  const node = scope.producer(name);
  const rule = node && integerRules[node.op];
  const dtype = scope.type(name)?.dtype;
  if (!rule || (dtype !== 'int64' && dtype !== 'int32')) return null;
  const before = scope.knownIntegers?.get(name);
  if (before !== undefined) return before;
  const found = rule(node, {
    values: (i) => numbersOf(scope, node.inputs[i] ?? ''),
    shape: (i) => scope.type(node.inputs[i] ?? '')?.shape,
  });
  scope.knownIntegers?.set(name, found);
  return found;
}

/**
 * Infers the types of a node's outputs; of a graph that was read from a file, of those outputs whose types follow.
 * @throws Error where the inputs do not fit, but for graphs that were read from a file
 */
export function inferNode(
  scope: Scope,
  node: Pick<OnnxNode, 'op' | 'inputs' | 'attributes'>,
  outputs: number,
): readonly TensorType[] {
  const { loose, block } = scope;
  try {
    return inferTypes(node.op, {
      op: node.op,
      inputs: node.inputs.map((name) => scope.type(name)),
      attributes: node.attributes,
      outputs,
      has: (index) => Boolean(node.inputs[index]),
      numbers: (index) => numbersOf(scope, node.inputs[index] ?? ''),
      block,
      loose,
    });
  } catch (error) {
    // A file may hold a node that no rule expects; its types are then unknown.
    if (loose) return [];
    throw error;
  }
}

/** A graph that was read from a file with the types that follow from its inputs and constants. */
export function withTypes(graph: OnnxGraph): OnnxGraph {
  const types = new Map<string, ValueType>();
  for (const { name, dtype, shape } of graph.inputs) if (dtype !== 'opaque') types.set(name, { dtype, shape });
  for (const [name, { dtype, shape }] of graph.constants) types.set(name, { dtype, shape });
  const typed = { ...graph, types };
  const scope = scopeOf(typed);
  for (const node of graph.nodes)
    for (const [i, type] of inferNode(scope, node, node.outputs.length).entries())
      if (node.outputs[i]) types.set(node.outputs[i], valueType(type, 'loose'));
  return typed;
}
