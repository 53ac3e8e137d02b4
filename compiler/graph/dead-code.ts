import type { Graph, Node } from './graph.js';

/** The entries of a map whose names are among these; the map itself, when all are. */
function only<T>(map: ReadonlyMap<string, T>, names: ReadonlySet<string>): ReadonlyMap<string, T> {
  const kept = new Map<string, T>();
  for (const [name, value] of map) if (names.has(name)) kept.set(name, value);
  return kept.size === map.size ? map : kept;
}

/** The graph without nodes, constants and inputs on which no output depends. */
export function withoutDeadCode(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const kept: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    kept.push(node);
    for (const name of node.inputs) if (name !== '') needed.add(name);
  }
  const inputs = graph.inputs.filter(({ name }) => needed.has(name));
  const constants = only(graph.constants, needed);
  // Outputs of nodes that nobody reads have a type, too.
  for (const { outputs } of kept) for (const name of outputs) needed.add(name);
  return { ...graph, nodes: kept.reverse(), inputs, constants, types: only(graph.types, needed) };
}
