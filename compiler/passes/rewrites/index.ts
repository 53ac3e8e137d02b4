import { invalidInput } from '../../../base/errors.js';
import type { Graph, Node } from '../../graph/index.js';
import { GraphEditor } from '../../graph/index.js';
import { caseOf, type RewriteName, type WayOf } from '../../onnx/support/support.js';
import { shareNodes } from '../share-nodes.js';
import { trainingBatchNorm } from './batch-norm.js';
import { twoFiltersInGroup } from './convolution.js';
import * as functions from './functions.js';
import { absolute, bounds, byGathering, inInt32, negation, remainder, sign } from './integers.js';
import { exclusiveOr, isInfinite, isNotANumber, or, withNumbers } from './logic.js';
import { positionInWindow } from './pooling.js';
import { type Rewrite, Writer } from './writer.js';

const rewrites: { readonly [Name in RewriteName]: Rewrite } = {
  'absolute value': absolute,
  'arc cosine': functions.arcCosine,
  'arc sine': functions.arcSine,
  'batch normalisation': trainingBatchNorm,
  bounds,
  'by gathering': byGathering,
  'exclusive or': exclusiveOr,
  'hyperbolic cosine': functions.hyperbolicCosine,
  'hyperbolic sine': functions.hyperbolicSine,
  infinite: isInfinite,
  'int32 for int64': inInt32,
  'inverse hyperbolic cosine': functions.inverseHyperbolicCosine,
  'inverse hyperbolic sine': functions.inverseHyperbolicSine,
  'inverse hyperbolic tangent': functions.inverseHyperbolicTangent,
  'log softmax': functions.logSoftmax,
  negation,
  'not a number': isNotANumber,
  'numbers for booleans': withNumbers,
  or,
  'position in a window': positionInWindow,
  remainder,
  rounding: functions.rounding,
  'scaled exponential': functions.scaledExponential,
  sign,
  swish: functions.swish,
  tangent: functions.tangent,
  'two filters a group': twoFiltersInGroup,
};

const refusal = ({ op, origin }: Node, of: string, provider: string, advice = '') =>
  invalidInput(
    `${origin === '' ? '' : `layer '${origin}': `}the execution provider "${provider}" cannot run ${op} of ${of}`,
    { hint: `${advice === '' ? '' : `${advice}; or `}train on the CPU: engine: {type: compiled, provider: cpu}` },
  );

/**
 * Writes operators with others where the provider has no kernel for them.
 * @throws NasError naming the layer, where there is no other way to write it.
 */
export function writeOut(graph: Graph, provider: string, wayOf: WayOf | null): Graph {
  if (wayOf === null) return graph;
  const editor = new GraphEditor(graph);
  let changed = false;
  for (const node of editor.nodes()) {
    const which = caseOf(node, (name) => editor.type(name));
    const way = wayOf(node.op, which);
    if (way === 'kernel' || way === 'host') continue;
    if (typeof way !== 'string') throw refusal(node, which, provider, way?.refused);
    const writer = new Writer(editor, node);
    const results = rewrites[way](writer);
    if (results === null) throw refusal(node, which, provider);
    writer.finish(results);
    changed = true;
  }
  // Some of what was written is in the graph already: the gradient of batch normalisation has its deviation, too.
  return changed ? shareNodes(editor.finish()) : graph;
}
