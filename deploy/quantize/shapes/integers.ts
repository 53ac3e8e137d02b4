import { intOf } from '../onnx-nodes.js';
import { axisIn, isNumber, type Dim, type IntegerRule, type Known } from './dims.js';
import { sliced } from './rearranging.js';

const first: IntegerRule = ({ integers }) => integers(0);

const arithmetic =
  (of: (a: number, b: number) => number, neutral: number): IntegerRule =>
  ({ integers }) => {
    const [a, b] = [integers(0), integers(1)];
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

const gather: IntegerRule = ({ node, integers }) => {
  const [x, indices] = [integers(0), integers(1)];
  if (intOf(node, 'axis', 0) !== 0 || x === undefined || !indices?.every(isNumber)) return undefined;
  return indices.map((index) => x[axisIn(x.length, index)]);
};

const concat: IntegerRule = ({ node, integers }) => {
  const all = node.input.map((_, i) => integers(i));
  return all.includes(undefined) ? undefined : all.flatMap((one) => one ?? []);
};

const slice: IntegerRule = ({ node, integers }) => {
  const [x, starts, ends] = [integers(0), integers(1), integers(2)];
  const steps = node.input[4] ? integers(4) : [1];
  if (x === undefined || starts?.length !== 1 || ends?.length !== 1 || steps?.length !== 1) return undefined;
  const [start, end, step] = [starts[0], ends[0], steps[0]];
  if (!isNumber(start) || !isNumber(end) || !isNumber(step)) return undefined;
  const { first: begin, count } = sliced(x.length, start, end, step);
  return Array.from({ length: count }, (_, i) => x[begin + i * step]);
};

/** Operators that programs compute shapes with. */
const rules: Readonly<Partial<Record<string, IntegerRule>>> = {
  Add: arithmetic((a, b) => a + b, 0),
  Cast: first,
  Concat: concat,
  Div: arithmetic((a, b) => Math.trunc(a / b), 1),
  Gather: gather,
  Identity: first,
  Mul: arithmetic((a, b) => a * b, 1),
  Shape: shape,
  Slice: slice,
  Squeeze: first,
  Sub: arithmetic((a, b) => a - b, 0),
  Unsqueeze: first,
};

/** The integers that a node gives, where they follow from what is known. */
export const integersOf = (operator: string, known: Known): readonly Dim[] | undefined => rules[operator]?.(known);
