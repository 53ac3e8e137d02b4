import { attributeList, bytesOf, commutative, type Graph, GraphEditor, type Node } from '../graph/index.js';
import { invalidInput } from '../../base/errors.js';
import { caseOf, type RewriteName, type ImplementationOf } from '../onnx/support.js';
import * as writing from './operator-rewrites.js';
import { type OperatorRewrite, OperatorWriter } from './writer.js';

/** Most numbers of a constant that is compared. */
const longest = 64;

/** Merges nodes that compute the same from the same values, and equal constants. */
function shareNodes(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  const constants = new Map<string, string>();
  const first = new Map<string, Node>();
  const shared = (name: string): string => {
    const constant = editor.constant(name);
    if (constant === undefined || constant.data.length > longest) return name;
    const key = `${constant.dtype}[${constant.shape.join()}]${Buffer.from(bytesOf(constant.data)).toString('hex')}`;
    const known = constants.get(key) ?? name;
    constants.set(key, known);
    return known;
  };
  for (const node of editor.nodes()) {
    const inputs = node.inputs.map(shared);
    const operands = commutative.has(node.op) ? inputs.toSorted() : inputs;
    const key = `${node.op}(${operands.join()})${JSON.stringify(attributeList(node.attributes))}#${node.outputs.length}`;
    const equal = first.get(key);
    if (equal === undefined) first.set(key, node);
    else if (!node.outputs.some((name) => editor.isOutput(name)))
      for (const [i, name] of node.outputs.entries()) editor.replaceUses(name, equal.outputs[i]);
  }
  return editor.finish();
}

const rewrites: { readonly [Name in RewriteName]: OperatorRewrite } = {
  'absolute value': writing.absolute,
  'batch normalisation': writing.trainingBatchNorm,
  bounds: writing.bounds,
  'by gathering': writing.byGathering,
  'int32 for int64': writing.inInt32,
  'log softmax': writing.logSoftmax,
  negation: writing.negation,
  'numbers for booleans': writing.withNumbers,
  or: writing.or,
  'position in a window': writing.positionInWindow,
  rounding: writing.rounding,
  'scaled exponential': writing.scaledExponential,
  sign: writing.sign,
  swish: writing.swish,
  'two filters a group': writing.twoFiltersInGroup,
};

const refusal = ({ op, origin }: Node, of: string, provider: string, advice = '') =>
  invalidInput(
    `${origin === '' ? '' : `layer '${origin}': `}the execution provider "${provider}" cannot run ${op} of ${of}`,
    { hint: `${advice === '' ? '' : `${advice}; or `}train on the CPU: engine: {type: compiled, provider: cpu}` },
  );

/**
 * Writes operators with others where the provider has no kernel for them.
 * @throws NasError naming the layer, where no other operators can compute it.
 */
export function writeOut(graph: Graph, provider: string, implementationOf: ImplementationOf | null): Graph {
  if (implementationOf === null) return graph;
  const editor = new GraphEditor(graph);
  let changed = false;
  for (const node of editor.nodes()) {
    const which = caseOf(node, (name) => editor.type(name));
    const implementation = implementationOf(node.op, which);
    if (implementation === 'kernel' || implementation === 'host') continue;
    if (typeof implementation !== 'string') throw refusal(node, which, provider, implementation?.refused);
    const writer = new OperatorWriter(editor, node);
    const results = rewrites[implementation](writer);
    if (results === null) throw refusal(node, which, provider);
    writer.finish(results);
    changed = true;
  }
  // Some written nodes are in the graph already: the gradient of batch normalisation computes the deviation, too.
  return changed ? shareNodes(editor.finish()) : graph;
}
