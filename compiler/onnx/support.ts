import { intOf } from '../graph/attributes.js';
import { type Node } from '../graph/graph.js';
import type { OnnxOp } from '../graph/operators.js';
import type { DType, Shape, TensorType } from '../graph/types.js';

/** Names of the rules that write an operator with others where a provider has no kernel (passes/write-out.ts). */
export type RewriteName =
  | 'absolute value'
  | 'batch normalisation'
  | 'bounds'
  | 'by gathering'
  | 'int32 for int64'
  | 'log softmax'
  | 'negation'
  | 'numbers for booleans'
  | 'or'
  | 'position in a window'
  | 'rounding'
  | 'scaled exponential'
  | 'sign'
  | 'swish'
  | 'two filters a group';

/** A provider cannot run the operator; the text says what to do instead. */
export interface Unsupported {
  readonly refused: string;
}

/**
 * How a provider computes an operator: by a `kernel` of its own; on the `host`, by ONNX Runtime's CPU provider, where nothing
 * large is copied for it; by a rewrite with other operators; or not at all.
 */
export type Implementation = 'kernel' | 'host' | RewriteName | Unsupported;

/**
 * Cases of an operator that providers treat differently: the type of its elements, batch normalisation in training, pooling
 * with the positions of the maxima, and a transposed convolution in groups that makes one channel of several in each group.
 */
export type OperatorCase = DType | 'training' | 'positions' | 'one of several';

/** How a provider computes each operator, in the cases in which the compiler emits it. */
export type Support = { readonly [Op in OnnxOp]: Readonly<Partial<Record<OperatorCase, Implementation>>> };

const makesOneOfSeveral = (node: Pick<Node, 'attributes'>, [channels, filters]: Shape): boolean => {
  const group = intOf(node, 'group', 1);
  return group > 1 && filters === 1 && channels > group;
};

/** The case of a node; a selection (Where) has the type of its operands. */
export function caseOf(
  node: Pick<Node, 'op' | 'inputs' | 'outputs' | 'attributes'>,
  typeOf: (name: string) => TensorType | undefined,
): OperatorCase {
  const { op, inputs, outputs } = node;
  if (op === 'BatchNormalization' && intOf(node, 'training_mode', 0) === 1) return 'training';
  if (op === 'MaxPool' && outputs.length > 1) return 'positions';
  if (op === 'ConvTranspose' && makesOneOfSeveral(node, typeOf(inputs[1])?.shape ?? [])) return 'one of several';
  const type = typeOf(inputs[op === 'Where' ? 1 : 0]);
  if (!type) throw new Error(`internal: the type of the input of ${op} is not known`);
  return type.dtype;
}

/** How an operator is computed in a case; undefined where the table has no entry. */
export type ImplementationOf = (op: OnnxOp, which: OperatorCase) => Implementation | undefined;

/** The table entry of a case; float16 has the entry of float32. */
export const inTable =
  (table: Support): ImplementationOf =>
  (op, which) =>
    table[op][which] ?? (which === 'float16' ? table[op].float32 : undefined);
