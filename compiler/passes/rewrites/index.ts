import type { Graph } from '../../graph/index.js';
import { GraphEditor } from '../../graph/index.js';
import { caseOf, type RewriteName, type Support } from '../../onnx/support.js';
import { shareNodes } from '../share-nodes.js';
import { trainingBatchNorm } from './batch-norm.js';
import { firstIndex } from './first-index.js';
import { narrowCast } from './integers.js';
import { type Rewrite, Writer } from './writer.js';

const rewrites: { readonly [Name in RewriteName]: Rewrite } = {
  'batch normalisation': trainingBatchNorm,
  'first maximum': firstIndex('ReduceMax'),
  'first minimum': firstIndex('ReduceMin'),
  'narrow integers': narrowCast,
};

/** Writes operators with others where the provider has no kernel for them. */
export function writeOut(graph: Graph, support: Support): Graph {
  const editor = new GraphEditor(graph);
  let changed = false;
  for (const node of editor.nodes()) {
    const way = support[node.op]?.[caseOf(node, (name) => editor.type(name))] ?? 'kernel';
    if (way === 'kernel') continue;
    const writer = new Writer(editor, node);
    writer.finish(rewrites[way.rewrite](writer));
    changed = true;
  }
  // Some of what was written is in the graph already: the gradient of batch normalisation has its deviation, too.
  return changed ? shareNodes(editor.finish()) : graph;
}
