import type { GraphEditor, NewNode } from './editor.js';
import type { Node } from './graph.js';
import type { OnnxOp } from './operators.js';
import type { Constant } from './types.js';

/** Nodes that a rule matched: first the node to replace, then for each the producer of its first input. */
export interface Match<Op extends string = OnnxOp> {
  readonly editor: GraphEditor<Op>;
  readonly nodes: readonly Node<Op>[];
}

/**
 * The replacement of a matched node: nodes that compute its outputs, the name of an equal value, or a constant. Nothing if
 * the rule does not apply.
 */
export type Replacement<Op extends string = OnnxOp> =
  | readonly NewNode<Op>[]
  | { readonly value: string }
  | { readonly constant: Constant }
  | null
  | undefined;

/** Rewrites the nodes that match a pattern; the results of the graph stay the same. */
export interface Rule<Op extends string = OnnxOp> {
  /** Operators, from the node that is replaced towards the inputs: each computes the first input of the one before it. */
  readonly match: readonly (Op | readonly Op[])[];
  /** Whether nothing but the matched nodes may read what they compute, except for the first; default: others may. */
  readonly alone?: boolean;
  readonly replace: (node: Node<Op>, match: Match<Op>) => Replacement<Op>;
}

/** One rule per operator; each rule matches a single node. */
export const rulesFor = <Op extends string>(
  table: Readonly<Partial<Record<string, Rule<Op>['replace']>>>,
): readonly Rule<Op>[] =>
  Object.entries(table).flatMap(([op, replace]) => (replace ? [{ match: [op as Op], replace }] : []));

function matched<Op extends string>(
  editor: GraphEditor<Op>,
  node: Node<Op>,
  rule: Rule<Op>,
): readonly Node<Op>[] | null {
  const nodes = [node];
  for (const ops of rule.match.slice(1)) {
    const name = nodes[nodes.length - 1].inputs.at(0) ?? '';
    const before = editor.producer(name);
    const isWanted = before !== undefined && (typeof ops === 'string' ? before.op === ops : ops.includes(before.op));
    if (!isWanted || (rule.alone === true && editor.only(name) === undefined)) return null;
    nodes.push(before);
  }
  return nodes;
}

function put<Op extends string>(editor: GraphEditor<Op>, node: Node<Op>, by: NonNullable<Replacement<Op>>): void {
  if ('value' in by) editor.bypass(node, by.value);
  else if ('constant' in by) editor.settle(node, by.constant);
  else editor.replace(node, ...by);
}

/** Rewrites each node by the first rule that applies to it, in the order of the graph, and removes dead nodes. */
export function applyRules<Op extends string>(editor: GraphEditor<Op>, rules: readonly Rule<Op>[]): void {
  const byOperator = new Map<string, Rule<Op>[]>();
  for (const rule of rules)
    for (const op of [rule.match[0]].flat() as Op[]) byOperator.set(op, [...(byOperator.get(op) ?? []), rule]);
  for (const node of editor.nodes())
    for (const rule of byOperator.get(node.op) ?? []) {
      const nodes = matched(editor, node, rule);
      const by = nodes && rule.replace(node, { editor, nodes });
      if (!by) continue;
      put(editor, node, by);
      editor.prune(node.inputs);
      break;
    }
  editor.sweep();
}
