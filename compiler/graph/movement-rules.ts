/** Rules that infer the types of operators that move elements or compute shapes. */
import {
  axesOf,
  axisOf,
  expectDtypes,
  expectSameDtype,
  fail,
  input,
  intAttribute,
  intsAttribute,
  known,
  plus,
} from './shape-rules.js';
import type { ShapeRule, Signature } from './shape-rules.js';
import {
  broadcastShapes,
  elementTypes,
  isFixed,
  range,
  sizeOf,
  type DType,
  type Shape,
  type TensorType,
} from './types.js';

/** The same axes with unknown sizes, which only graphs read from files may have. */
const unknownAxes = (shape: Shape): number[] => shape.map(() => NaN);

const isElementType = (name: string): name is DType => Object.hasOwn(elementTypes, name);

export const cast: ShapeRule = (node) => {
  const code = intAttribute(node, 'to');
  const dtype = Object.keys(elementTypes).find((name) => isElementType(name) && elementTypes[name].code === code);
  return dtype !== undefined && isElementType(dtype)
    ? [{ dtype, shape: input(node, 0).shape }]
    : fail(node, `unknown element type ${code}`);
};

export const constant: ShapeRule = ({ attributes }) => {
  const { value, value_float: float, value_floats: floats, value_int: int, value_ints: ints } = attributes;
  if (value?.kind === 'tensor') return [value.value];
  if (float?.kind === 'float') return [{ dtype: 'float32', shape: [] }];
  if (floats?.kind === 'floats') return [{ dtype: 'float32', shape: [floats.value.length] }];
  if (int?.kind === 'int') return [{ dtype: 'int64', shape: [] }];
  return ints?.kind === 'ints' ? [{ dtype: 'int64', shape: [ints.value.length] }] : [];
};

export const constantOfShape: ShapeRule = (node) => {
  const { value } = node.attributes;
  return [{ dtype: value?.kind === 'tensor' ? value.value.dtype : 'float32', shape: known(node, 0) }];
};

export const concat: ShapeRule = (node) => {
  const first = input(node, 0);
  const dtype = node.loose ? first.dtype : expectSameDtype(node);
  const axis = axisOf(node, intAttribute(node, 'axis'), first.shape.length);
  let total = 0;
  for (let i = 0; i < node.inputs.length; i++) {
    const shape = node.inputs[i]?.shape;
    const fits = shape?.length === first.shape.length && shape.every((d, a) => a === axis || d === first.shape[a]);
    if (!node.loose && !fits) fail(node, `input ${i} does not fit`);
    total = plus(node, shape?.[axis] ?? NaN, total);
  }
  return [{ dtype, shape: first.shape.with(axis, total) }];
};

export const expand: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const out = broadcastShapes([shape, known(node, 1)], node.loose);
  return [{ dtype, shape: out ?? fail(node, 'shapes do not broadcast') }];
};

export const flatten: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const given = intAttribute(node, 'axis', 1);
  const axis = given < 0 ? given + shape.length : given;
  return [{ dtype, shape: [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))] }];
};

export const gather: ShapeRule = (node) => {
  const [x, indices] = [input(node, 0), input(node, 1)];
  expectDtypes(node, ['int32', 'int64'], 1);
  const axis = axisOf(node, intAttribute(node, 'axis', 0), x.shape.length);
  return [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }];
};

export const pad: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const pads = node.loose ? node.numbers(1) : known(node, 1);
  if (node.loose && (node.has(3) || pads?.length !== 2 * shape.length)) return [{ dtype, shape: unknownAxes(shape) }];
  if (pads?.length !== 2 * shape.length) return fail(node, 'needs two pads an axis');
  return [{ dtype, shape: shape.map((d, i) => plus(node, d, pads[i] + pads[i + shape.length])) }];
};

/** The product of some sizes divided by the product of others; equal sizes, also open ones, cancel out. */
function quotient(dividend: Shape, divisor: Shape): number {
  const above = [...dividend];
  const below = divisor.filter((size) => {
    const at = above.indexOf(size);
    if (at >= 0) above.splice(at, 1);
    return at < 0;
  });
  return sizeOf(above) / sizeOf(below);
}

export const reshape: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const stays = node.loose && intAttribute(node, 'allowzero', 0) === 1;
  const target = known(node, 1).map((d, i) => (d === 0 && !stays ? shape[i] : d));
  const open = target.indexOf(-1);
  const out = open < 0 ? target : target.with(open, quotient(shape, target.toSpliced(open, 1)));
  if (!node.loose && sizeOf(out) !== sizeOf(shape)) fail(node, `cannot become [${out.join(',')}]`);
  return [{ dtype, shape: out }];
};

export const resize: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  if (node.loose && node.has(3)) return [{ dtype, shape: known(node, 3) }];
  const factors = known(node, 2);
  const scaled = (d: number, i: number): number => {
    if (factors[i] === 1) return d;
    return node.loose && !isFixed(d) ? NaN : Math.floor(Math.fround(d * factors[i]));
  };
  return [{ dtype, shape: shape.map(scaled) }];
};

export const scatter: ShapeRule = (node) => {
  const data = input(node, 0);
  expectDtypes(node, ['int64', 'int32'], 1, 2);
  expectDtypes(node, [data.dtype], 2);
  return [data];
};

export const shapeOf: ShapeRule = (node) => {
  const rank = input(node, 0).shape.length;
  return [
    {
      dtype: 'int64',
      shape: [range(rank).slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', rank)).length],
    },
  ];
};

/** Where a slice of an axis begins and ends, and how many elements it takes. */
export function sliced(size: number, start: number, end: number, step: number): { first: number; count: number } {
  const clamp = (v: number): number => {
    const at = v < 0 ? v + size : v;
    return step > 0 ? Math.min(Math.max(at, 0), size) : Math.min(Math.max(at, -1), size - 1);
  };
  const first = clamp(start);
  return { first, count: Math.max(0, Math.ceil((clamp(end) - first) / step)) };
}

export const slice: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const [starts, ends] = [node.numbers(1), node.numbers(2)];
  const axes = node.has(3) ? node.numbers(3) : range(shape.length);
  const steps = node.has(4) ? node.numbers(4) : starts?.map(() => 1);
  if (!starts || !ends || !axes || !steps)
    return node.loose ? [{ dtype, shape: unknownAxes(shape) }] : fail(node, 'what it cuts out must be known');
  const out = [...shape];
  for (const [i, start] of starts.entries()) {
    const axis = axisOf(node, axes[i], shape.length);
    const isKnown = !node.loose || isFixed(shape[axis]);
    out[axis] = isKnown ? sliced(shape[axis], start, ends[i], steps[i]).count : NaN;
  }
  return [{ dtype, shape: out }];
};

export const split: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const axis = axisOf(node, intAttribute(node, 'axis', 0), shape.length);
  const even = shape[axis] % node.outputs === 0 ? shape[axis] / node.outputs : NaN;
  const sizes =
    node.has(1) || !node.loose
      ? known(node, 1)
      : intsAttribute(
          node,
          'split',
          range(node.outputs).map(() => even),
        );
  if (!node.loose && sizes.reduce((a, b) => a + b, 0) !== shape[axis])
    fail(node, 'the parts do not add up to the whole');
  return sizes.map((size) => ({ dtype, shape: shape.with(axis, size) }));
};

export const squeeze: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const axes = axesOf(node, shape.length);
  // Without `axes`, all axes of size 1 are removed, so all sizes must be known.
  if (axes === undefined && !shape.every(isFixed)) fail(node, 'the axes must be known');
  return [{ dtype, shape: shape.filter((size, axis) => (axes ? !axes.includes(axis) : size !== 1)) }];
};

export const unsqueeze: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const rank = shape.length + (node.numbers(1)?.length ?? intsAttribute(node, 'axes').length);
  const added = new Set(axesOf(node, rank));
  const rest = [...shape];
  return [{ dtype, shape: range(rank).map((axis) => (added.has(axis) ? 1 : (rest.shift() ?? NaN))) }];
};

export const tile: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const repeats = known(node, 1);
  return [{ dtype, shape: shape.map((d, i) => d * repeats[i]) }];
};

export const topK: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const axis = axisOf(node, intAttribute(node, 'axis', -1), shape.length);
  const out = shape.with(axis, known(node, 1)[0]);
  return [
    { dtype, shape: out },
    { dtype: 'int64', shape: out },
  ];
};

export const transpose: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const perm = intsAttribute(node, 'perm', node.loose ? range(shape.length).reverse() : undefined);
  if ([...perm].sort((a, b) => a - b).some((p, i) => p !== i) || perm.length !== shape.length)
    fail(node, `[${perm.join(',')}] is not a permutation of the axes`);
  return [{ dtype, shape: perm.map((p) => shape[p]) }];
};

const wholeBlocks = (node: Signature, channels: number): number => {
  const block = node.block ?? fail(node, 'this graph has no blocked layout');
  return Math.ceil(channels / block) * block;
};

export const reorderInput: ShapeRule = (node) => {
  const { dtype, shape: given } = input(node, 0);
  const shape = intAttribute(node, 'channels_last', 0) === 1 ? [given[0], given[3], given[1], given[2]] : given;
  return [{ dtype, shape: shape.with(1, wholeBlocks(node, shape[1])) }];
};

export const reorderOutput: ShapeRule = (node) => {
  const { dtype, shape } = input(node, 0);
  const channels = intAttribute(node, 'channels');
  if (wholeBlocks(node, channels) !== shape[1]) fail(node, `${channels} channels do not fill the blocks`);
  return [{ dtype, shape: shape.with(1, channels) }] satisfies TensorType[];
};
