import type { Graph, Node } from './graph.js';

/** The entries of a map whose names are among these, in the order of the map; the map itself, when all are. */
function only<T>(map: ReadonlyMap<string, T>, names: ReadonlySet<string>): ReadonlyMap<string, T> {
  let kept = 0;
  for (const name of map.keys()) if (names.has(name)) kept++;
  if (kept === map.size) return map;
  const entries = new Map<string, T>();
  // Unlike a loop, it makes no array of each entry, of which a graph has tens of thousands.
  map.forEach((value, name) => {
    if (names.has(name)) entries.set(name, value);
  });
  return entries;
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
