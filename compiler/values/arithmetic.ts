/** Operators that are computed at once where all operands are constants. */
import { range, sizeOf, type Data, type Shape } from '../graph/index.js';
import { layOut } from './layout.js';

/** The function of numbers that an operator applies to each element. */
export const scalarFunctions: Readonly<Partial<Record<string, (...x: number[]) => number>>> = {
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

/** Fills `result`, of this shape, with a function of the operands, which broadcast to it. */
export function computeInto<R extends Exclude<Data, BigInt64Array>>(
  result: R,
  shape: Shape,
  of: (...x: number[]) => number,
  operands: readonly { readonly data: Exclude<Data, BigInt64Array>; readonly shape: Shape }[],
): R {
  const columns = operands.map(({ data, shape: own }): ArrayLike<number> => {
    const from = [...new Array<number>(shape.length - own.length).fill(1), ...own];
    return layOut(data, from, shape, range(shape.length));
  });
  for (let i = 0; i < sizeOf(shape); i++) result[i] = of(...columns.map((column) => column[i]));
  return result;
}
