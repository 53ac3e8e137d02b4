import { intOf, intsOf } from '../onnx-nodes.js';
import { axisIn, isNumber, product, type Dim, type Dims, type Known, type ShapeRule } from './dims.js';

/** Axes of a node, an attribute or an input of it. */
export const axesOf = ({ node, integers }: Known): readonly number[] | undefined => {
  const axes = intsOf(node, 'axes') ?? (node.input[1] ? integers(1) : undefined);
  return axes?.every(isNumber) ? axes : undefined;
};

const flatten: ShapeRule = ({ node, dims }) => {
  const x = dims(0);
  if (x === undefined) return [];
  const axis = axisIn(x.length, intOf(node, 'axis', 1));
  return [[product(x.slice(0, axis)), product(x.slice(axis))]];
};

/** The product of extents divided by that of others; `null` where it does not follow. */
function quotient(dividend: Dims, divisor: Dims): Dim {
  if (dividend.includes(null) || divisor.includes(null)) return null;
  const amount = (dims: Dims): number => dims.filter(isNumber).reduce((a, b) => a * b, 1);
  const open = dividend.filter((dim) => !isNumber(dim));
  for (const dim of divisor.filter((one) => !isNumber(one))) {
    const at = open.indexOf(dim);
    if (at < 0) return null;
    open.splice(at, 1);
  }
  const rest = amount(dividend) / amount(divisor);
  if (open.length === 0) return Number.isInteger(rest) ? rest : null;
  return open.length === 1 && rest === 1 ? open[0] : null;
}

/** What a target of Reshape stands for, given what is reshaped. */
export function reshaped(x: Dims | undefined, target: readonly Dim[], zerosStay: boolean): Dims {
  const named = target.map((dim, i) => (dim === 0 && !zerosStay ? (x?.[i] ?? null) : dim));
  const open = named.indexOf(-1);
  if (open < 0 || x === undefined) return named.map((dim) => (dim === -1 ? null : dim));
  const missing = quotient(
    x,
    named.filter((_, i) => i !== open),
  );
  return named.map((dim, i) => (i === open ? missing : dim));
}

const reshape: ShapeRule = ({ node, dims, integers }) => {
  const target = integers(1);
  return target === undefined ? [] : [reshaped(dims(0), target, intOf(node, 'allowzero', 0) === 1)];
};

const transpose: ShapeRule = ({ node, dims }) => {
  const x = dims(0);
  if (x === undefined) return [];
  const order = intsOf(node, 'perm') ?? x.map((_, i) => x.length - 1 - i);
  return [order.map((axis) => x[axis])];
};

const squeeze: ShapeRule = (known) => {
  const x = known.dims(0);
  if (x === undefined) return [];
  const axes = axesOf(known)?.map((axis) => axisIn(x.length, axis));
  if (axes !== undefined) return [x.filter((_, axis) => !axes.includes(axis))];
  // Without axes all of extent 1 go: which these are must be known.
  return known.node.input[1] || !x.every(isNumber) ? [] : [x.filter((dim) => dim !== 1)];
};

const unsqueeze: ShapeRule = (known) => {
  const x = known.dims(0);
  const axes = axesOf(known);
  if (x === undefined || axes === undefined) return [];
  const rank = x.length + axes.length;
  const added = new Set(axes.map((axis) => axisIn(rank, axis)));
  const rest = [...x];
  return [Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (rest.shift() ?? null)))];
};

const concat: ShapeRule = ({ node, dims }) => {
  const all = node.input.map((_, i) => dims(i));
  const [first] = all;
  if (first === undefined) return [];
  const axis = axisIn(first.length, intOf(node, 'axis', 0));
  const along = all.map((one) => one?.[axis]);
  const total = along.every(isNumber) ? along.reduce((a, b) => a + b, 0) : null;
  return [first.map((dim, i) => (i === axis ? total : dim))];
};

const split: ShapeRule = ({ node, dims, integers }) => {
  const x = dims(0);
  if (x === undefined) return [];
  const axis = axisIn(x.length, intOf(node, 'axis', 0));
  const sizes = node.input[1] ? integers(1) : undefined;
  const extent = x[axis];
  const count = node.output.length;
  return node.output.map((_, part) => {
    const even = !node.input[1] && isNumber(extent) && extent % count === 0 ? extent / count : null;
    const size = sizes?.[part] ?? even;
    return x.map((dim, i) => (i === axis ? size : dim));
  });
};

/** Where a slice of an axis begins and ends, and how many elements it takes. */
export function sliced(extent: number, start: number, end: number, step: number): { first: number; count: number } {
  const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
  const from = start < 0 ? start + extent : start;
  const to = end < 0 ? end + extent : end;
  const first = step > 0 ? clamp(from, 0, extent) : clamp(from, 0, extent - 1);
  const last = step > 0 ? clamp(to, 0, extent) : clamp(to, -1, extent - 1);
  return { first, count: Math.max(0, Math.ceil((last - first) / step)) };
}

const slice: ShapeRule = ({ node, dims, integers }) => {
  const [x, starts, ends] = [dims(0), integers(1), integers(2)];
  if (x === undefined) return [];
  const axes = node.input[3] ? integers(3) : x.map((_, i) => i);
  const steps = node.input[4] ? integers(4) : undefined;
  if (!starts?.every(isNumber) || !ends?.every(isNumber) || !axes?.every(isNumber)) return [x.map(() => null)];
  return [
    x.map((dim, axis) => {
      const at = axes.findIndex((one) => axisIn(x.length, one) === axis);
      if (at < 0 || at >= starts.length) return dim;
      const step = node.input[4] ? steps?.[at] : 1;
      return isNumber(dim) && isNumber(step) ? sliced(dim, starts[at], ends[at], step).count : null;
    }),
  ];
};

const pad: ShapeRule = ({ node, dims, integers }) => {
  const [x, pads] = [dims(0), integers(1)];
  if (x === undefined) return [];
  if (node.input[3] || pads?.length !== 2 * x.length) return [x.map(() => null)];
  return [
    x.map((dim, axis) => {
      const [begin, end] = [pads[axis], pads[axis + x.length]];
      if (begin === 0 && end === 0) return dim;
      return isNumber(dim) && isNumber(begin) && isNumber(end) ? dim + begin + end : null;
    }),
  ];
};

const gather: ShapeRule = ({ node, dims }) => {
  const [x, indices] = [dims(0), dims(1)];
  if (x === undefined || indices === undefined) return [];
  const axis = axisIn(x.length, intOf(node, 'axis', 0));
  return [[...x.slice(0, axis), ...indices, ...x.slice(axis + 1)]];
};

/** Operators that move values, and compute nothing. */
export const rearranging = {
  Concat: concat,
  Flatten: flatten,
  Gather: gather,
  Pad: pad,
  Reshape: reshape,
  Slice: slice,
  Split: split,
  Squeeze: squeeze,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
} satisfies Readonly<Record<string, ShapeRule>>;
