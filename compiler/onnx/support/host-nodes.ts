import type { Graph, Node } from '../../graph/graph.js';
import { scopeOf } from '../../graph/graph.js';
import { capabilitiesOf } from '../providers.js';
import { caseOf } from './support.js';

/** Nodes that are computed on the host although the provider has kernels for some of them: it would be copied back and forth. */
export function hostNodes(graph: Graph, provider: string): readonly Node[] {
  const { wayOf } = capabilitiesOf(provider);
  if (wayOf === null) return [];
  const scope = scopeOf(graph);
  return graph.nodes.filter(
    (node) =>
      wayOf(
        node.op,
        caseOf(node, (name) => scope.type(name)),
      ) === 'host',
  );
}
