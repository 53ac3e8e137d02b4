import type { Constant, Graph, Node, Shape, TensorType } from '../graph/index.js';
import { sameShape, withoutDeadCode } from '../graph/index.js';
import type { OnlyUse } from './uses.js';
import { onlyUseOf, Uses } from './uses.js';

const shapeOf = (graph: Graph, name: string): Shape => graph.types.get(name)?.shape ?? [];

/** A convolution that can take the other operand of `sum` as its addend. */
function convolutionOf(graph: Graph, uses: Uses, sum: Node, taken: ReadonlySet<Node>): [OnlyUse, string] | null {
  const [a, b] = sum.inputs;
  if (!sameShape(shapeOf(graph, a), shapeOf(graph, b))) return null;
  for (const [own, other] of [
    [a, b],
    [b, a],
  ]) {
    const source = onlyUseOf(uses, own);
    if (source && source.convolution.inputs.length < 4 && !taken.has(source.convolution)) return [source, other];
  }
  return null;
}

/** conv(x) + y -> conv(x) with addend y: one pass over memory less, where nothing else reads conv(x). */
export function fuseSums(graph: Graph): Graph {
  // The addend's shape is written down as numbers.
  if (graph.dynamicBatch !== null) return graph;
  const uses = new Uses(graph);
  const taken = new Set<Node>();
  const added = new Map<Node, Node[]>();
  const constants = new Map<string, Constant>(graph.constants);
  const types = new Map<string, TensorType>(graph.types);
  for (const sum of graph.nodes) {
    if (sum.op !== 'Add') continue;
    const found = convolutionOf(graph, uses, sum, taken);
    if (!found) continue;
    const [{ convolution, reshape }, other] = found;
    const [output] = convolution.outputs;
    const type = types.get(output);
    if (!type) continue;
    const addend = `${output}/addend`;
    const shape = `${output}/shape`;
    const data = BigInt64Array.from(type.shape, BigInt);
    constants.set(shape, { data, shape: [data.length], dtype: 'int64' });
    types.set(shape, { shape: [data.length], dtype: 'int64' });
    types.set(addend, type);
    const [x, weights, bias = ''] = convolution.inputs;
    taken.add(convolution);
    if (reshape) taken.add(reshape);
    // The convolution moves to where the sum was: the addend is known there.
    added.set(sum, [
      { op: 'Reshape', inputs: [other, shape], outputs: [addend], attributes: {}, origin: sum.origin },
      { ...convolution, inputs: [x, weights, bias, addend], outputs: reshape ? convolution.outputs : sum.outputs },
      ...(reshape ? [{ ...reshape, outputs: sum.outputs }] : []),
    ]);
  }
  const nodes = graph.nodes.flatMap((node) => added.get(node) ?? (taken.has(node) ? [] : [node]));
  return withoutDeadCode({ ...graph, nodes, constants, types });
}
