import type { OnnxOp, Shape, TfDType } from '../../graph/index.js';
import { elementTypes, range, sizeOf } from '../../graph/index.js';
import { layOut } from '../../values/layout.js';
import type { Val } from '../../values/value.js';
import { foldLimit } from '../../values/value.js';

/** Operators whose results are computed while tracing when all operands are known. */
const evaluate: Partial<Record<OnnxOp, (...x: number[]) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Max: Math.max,
  Min: Math.min,
  Pow: Math.pow,
  Sqrt: Math.sqrt,
  Reciprocal: (a) => 1 / a,
  Exp: Math.exp,
  Log: Math.log,
  Neg: (a) => -a,
  Abs: Math.abs,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Sign: Math.sign,
  Greater: (a, b) => Number(a > b),
  GreaterOrEqual: (a, b) => Number(a >= b),
  Less: (a, b) => Number(a < b),
  LessOrEqual: (a, b) => Number(a <= b),
  Equal: (a, b) => Number(a === b),
  And: (a, b) => a & b,
  Or: (a, b) => a | b,
  Not: (a) => 1 - a,
};

const comparisons: ReadonlySet<OnnxOp> = new Set(['Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Equal']);

interface Folded {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly dtype: TfDType;
}

/** The operator applied to known operands, broadcast to `stored`; null when that is not possible or too large. */
export function fold(op: OnnxOp, operands: readonly Val[], stored: Shape): Folded | null {
  const f = evaluate[op];
  if (!f || sizeOf(stored) > foldLimit) return null;
  const { dtype } = operands[0];
  if (dtype === 'int32' && op === 'Div') return null;
  const columns: ArrayLike<number>[] = [];
  for (const { data, stored: shape, rank } of operands) {
    if (!data || data instanceof BigInt64Array) return null;
    const from = [...new Array<number>(stored.length - rank).fill(1), ...shape];
    columns.push(layOut(data, from, stored, range(stored.length)));
  }
  const result = comparisons.has(op) ? 'bool' : dtype;
  const data = new elementTypes[result].array(sizeOf(stored));
  for (let i = 0; i < data.length; i++) data[i] = f(...columns.map((column) => column[i]));
  return { data, dtype: result };
}
