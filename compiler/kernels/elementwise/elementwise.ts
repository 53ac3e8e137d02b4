import {
  type Attributes,
  broadcastShapes,
  elementTypes,
  type GraphBuilder,
  int,
  isTfDType,
  type OnnxOp,
  range,
  sameShape,
  type Shape,
  sizeOf,
  type TfDType,
} from '../../graph/index.js';
import { computeInto, scalarFunctions } from '../../values/arithmetic.js';
import { isIdentity, NCHW, type Perm, permute } from '../../values/layout.js';
import { foldLimit, Val } from '../../values/value.js';
import { invalidInput } from '../../../base/errors.js';
import { blockedElementwise } from '../blocked/elementwise.js';

const comparisons: ReadonlySet<OnnxOp> = new Set(['Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Equal']);

interface Folded {
  readonly data: Float32Array | Int32Array | Uint8Array;
  readonly dtype: TfDType;
}

/** Applies the operator to known operands, broadcast to `stored`; null when impossible or too large. */
function fold(op: OnnxOp, operands: readonly Val[], stored: Shape): Folded | null {
  const of = scalarFunctions[op];
  const { dtype } = operands[0];
  if (!of || sizeOf(stored) > foldLimit || (dtype === 'int32' && op === 'Div')) return null;
  const known = operands.flatMap(({ data, stored: shape }) =>
    data && !(data instanceof BigInt64Array) ? [{ data, shape }] : [],
  );
  if (known.length < operands.length) return null;
  const result = comparisons.has(op) ? 'bool' : dtype;
  const data = computeInto(new elementTypes[result].array(sizeOf(stored)), stored, of, known);
  return { data, dtype: result };
}

export function broadcast(shapes: readonly Shape[]): Shape {
  const shape = broadcastShapes(shapes);
  if (shape) return shape;
  throw invalidInput(`shapes ${shapes.map((s) => `[${s.join(',')}]`).join(' and ')} do not broadcast`);
}

/** The storage order that most of the large operands have already. The order in which one was made counts more than a copy. */
export function commonPerm(values: readonly Val[], rank: number, stored: Shape): Perm {
  const size = sizeOf(stored);
  const votes = new Map<string, { readonly perm: Perm; count: number }>();
  const ofRank = values.filter((value) => value.rank === rank);
  for (const value of ofRank) {
    const own = value.perm;
    if (!own || sizeOf(value.stored) * 2 <= size) continue;
    for (const perm of value.perms) {
      const vote = votes.get(perm.join()) ?? { perm, count: 0 };
      vote.count += perm === own ? 1.5 : 1;
      votes.set(perm.join(), vote);
    }
  }
  let best: { readonly perm: Perm; count: number } | null = null;
  for (const vote of votes.values())
    if (!best || vote.count > best.count || (vote.count === best.count && vote.perm.join() === NCHW.join()))
      best = vote;
  if (best) return best.perm;
  for (const { perm } of ofRank) if (perm) return perm;
  return range(rank);
}

/** Graph value of an operand that broadcasts against values of this rank and order. */
function operand(value: Val, rank: number, perm: Perm): string {
  if (value.number !== null) return value.builder.scalar(value.number, value.dtype);
  if (value.rank === rank) return value.form(perm);
  // A scalar broadcasts in any order; as a scalar, it may be read by updates of vectors.
  if (isIdentity(perm) || value.rank === 0) return value.form();
  return value.reshaped([...new Array<number>(rank - value.rank).fill(1), ...value.shape]).form(perm);
}

const tfDtypeOf = (builder: GraphBuilder, name: string): TfDType => {
  const { dtype } = builder.typeOf(name);
  if (isTfDType(dtype)) return dtype;
  throw new Error(`internal: '${name}' is ${dtype}`);
};

/** An elementwise operator with broadcasting, in the cheapest storage order; folded when all operands are known. */
export function elementwise(op: OnnxOp, values: readonly Val[], attributes: Attributes = {}): Val {
  const { builder } = values[0];
  const shape = broadcast(values.map((value) => value.shape));
  const rank = shape.length;
  const stored = broadcast(values.map((value) => [...new Array<number>(rank - value.rank).fill(1), ...value.stored]));
  const folded = fold(op, values, stored);
  if (folded) {
    const constant = Val.constant(builder, folded.data, stored, folded.dtype);
    return constant.relabelled(shape);
  }
  const blocked = sameShape(stored, shape) ? blockedElementwise(op, values, attributes, shape) : null;
  if (blocked) return blocked;
  const perm = commonPerm(values, rank, stored);
  const inputs = values.map((value) => operand(value, rank, perm));
  let name = builder.emit(op, inputs, attributes);
  // Operands that are all scalars lose their broadcast axes.
  if (builder.shapeOf(name).length !== rank) name = builder.reshape(name, permute(stored, perm));
  return Val.of(builder, name, shape, tfDtypeOf(builder, name), perm, stored);
}

/** A number of the other operand's type. */
export const numberLike = (value: Val, number: number): Val => Val.fill(value.builder, number, [], value.dtype);

export function castTo(value: Val, dtype: TfDType): Val {
  if (value.dtype === dtype) return value;
  const { builder, data } = value;
  if (!data) return elementwise('Cast', [value], { to: int(elementTypes[dtype].code) });
  const convert = (x: number): number => (dtype === 'bool' ? Number(x !== 0) : dtype === 'int32' ? Math.trunc(x) : x);
  const converted = new elementTypes[dtype].array(Array.from(data, (x: number | bigint) => convert(Number(x))));
  return converted.length === 1
    ? Val.fill(builder, converted[0], value.shape, dtype)
    : Val.constant(builder, converted, value.stored, dtype).relabelled(value.shape);
}
