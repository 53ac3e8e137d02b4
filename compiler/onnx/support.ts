import type { Node } from '../graph/graph.js';
import type { OnnxOp } from '../graph/operators.js';
import type { DType, Shape, TensorType } from '../graph/types.js';

/** What is written with other operators where a provider has no kernel: the names of the rules in passes/rewrites/. */
export type RewriteName =
  | 'absolute value'
  | 'arc cosine'
  | 'arc sine'
  | 'batch normalisation'
  | 'bounds'
  | 'by gathering'
  | 'exclusive or'
  | 'hyperbolic cosine'
  | 'hyperbolic sine'
  | 'infinite'
  | 'int32 for int64'
  | 'inverse hyperbolic cosine'
  | 'inverse hyperbolic sine'
  | 'inverse hyperbolic tangent'
  | 'log softmax'
  | 'negation'
  | 'not a number'
  | 'numbers for booleans'
  | 'or'
  | 'position in a window'
  | 'remainder'
  | 'rounding'
  | 'scaled exponential'
  | 'sign'
  | 'swish'
  | 'tangent'
  | 'two filters a group';

/** An operator that a provider cannot run, and what to do instead. */
export interface Refusal {
  readonly refused: string;
}

/**
 * How a provider computes an operator: by a `kernel` of its own; on the `host`, which is to say ONNX Runtime's CPU provider,
 * where nothing large is copied for it; written with other operators; or not at all.
 */
export type Way = 'kernel' | 'host' | RewriteName | Refusal;

/**
 * What providers tell apart in an operator: the type of its elements, whether batch normalisation trains, whether pooling
 * says where the maxima are, and whether a transposed convolution in groups makes one channel of several in each.
 */
export type Case = DType | 'training' | 'positions' | 'one of several';

/** How a provider computes each operator, in the cases in which the compiler emits it. */
export type Support = { readonly [Op in OnnxOp]: Readonly<Partial<Record<Case, Way>>> };

const trains = ({ op, attributes: { training_mode: mode } }: Pick<Node, 'op' | 'attributes'>): boolean =>
  op === 'BatchNormalization' && mode?.kind === 'int' && mode.value === 1;

const makesOneOfSeveral = ({ attributes: { group } }: Pick<Node, 'attributes'>, [channels, filters]: Shape): boolean =>
  group?.kind === 'int' && group.value > 1 && filters === 1 && channels > group.value;

/** The case of a node; the elements of a selection are those of what is selected. */
export function caseOf(
  node: Pick<Node, 'op' | 'inputs' | 'outputs' | 'attributes'>,
  typeOf: (name: string) => TensorType | undefined,
): Case {
  const { op, inputs, outputs } = node;
  if (trains(node)) return 'training';
  if (op === 'MaxPool' && outputs.length > 1) return 'positions';
  if (op === 'ConvTranspose' && makesOneOfSeveral(node, typeOf(inputs[1])?.shape ?? [])) return 'one of several';
  const type = typeOf(inputs[op === 'Where' ? 1 : 0]);
  if (!type) throw new Error(`internal: the type of what ${op} takes is not known`);
  return type.dtype;
}

/** How an operator is computed in a case; undefined where nothing is known of it. */
export type WayOf = (op: OnnxOp, which: Case) => Way | undefined;

/** What a table says; halves are computed as floats are. */
export const inTable =
  (table: Support): WayOf =>
  (op, which) =>
    table[op][which] ?? (which === 'float16' ? table[op].float32 : undefined);
