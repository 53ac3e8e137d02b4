import type { Node } from '../graph/graph.js';
import type { OnnxOp } from '../graph/operators.js';
import type { DType, TensorType } from '../graph/types.js';

/** What is written with other operators where a provider has none: the names of the rules in passes/rewrites/. */
export type RewriteName = 'batch normalisation' | 'first maximum' | 'first minimum' | 'narrow integers';

/** How a provider computes an operator: by a kernel of its own, or written with other operators. */
export type Way = 'kernel' | { readonly rewrite: RewriteName };

/** What providers tell apart in an operator: the type of its elements, and whether batch normalisation trains. */
export type Case = DType | 'training';

/** How a provider computes each operator; by its kernel where nothing is said. */
export type Support = { readonly [Op in OnnxOp]?: Readonly<Partial<Record<Case, Way>>> };

/** The case of a node; the elements of a selection are those of what is selected. */
export function caseOf({ op, inputs, attributes }: Node, typeOf: (name: string) => TensorType | undefined): Case {
  if (
    op === 'BatchNormalization' &&
    attributes['training_mode']?.kind === 'int' &&
    attributes['training_mode'].value === 1
  )
    return 'training';
  const type = typeOf(inputs[op === 'Where' ? 1 : 0]);
  if (!type) throw new Error(`internal: the type of what ${op} takes is not known`);
  return type.dtype;
}
