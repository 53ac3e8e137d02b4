import type { Graph, Scope } from './graph.js';
import { inferNode, producersOf } from './graph.js';
import type { TensorType } from './types.js';
import { sameShape } from './types.js';

const text = ({ dtype, shape }: TensorType): string => `${dtype}[${shape.join(',')}]`;

/**
 * Checks that every value is defined once and before its use, that every node's recorded output types are those that
 * the operator table infers anew from its inputs, and that the ports of the graph agree with them.
 * @throws Error naming the first node that is wrong.
 */
export function verifyGraph(graph: Graph): void {
  const producers = producersOf(graph.nodes);
  const defined = new Map<string, TensorType>();
  const define = (name: string, type: TensorType, where: string): void => {
    if (name === '') throw new Error(`${where}: a value has no name`);
    if (defined.has(name)) throw new Error(`${where}: value '${name}' is defined twice`);
    defined.set(name, type);
  };
  for (const { name, dtype, shape } of graph.inputs) define(name, { dtype, shape }, 'inputs');
  for (const [name, { dtype, shape }] of graph.constants) define(name, { dtype, shape }, 'constants');
  const scope: Scope = {
    type: (name) => defined.get(name),
    constant: (name) => graph.constants.get(name),
    producer: (name) => producers.get(name),
    block: graph.block,
  };
  for (const [i, node] of graph.nodes.entries()) {
    const where = `node ${i}, ${node.op}`;
    for (const name of node.inputs)
      if (name !== '' && !defined.has(name)) throw new Error(`${where}: value '${name}' is used before its definition`);
    const inferred = inferNode(scope, node, node.outputs.length);
    if (inferred.length !== node.outputs.length)
      throw new Error(`${where}: has ${node.outputs.length} outputs, not ${inferred.length}`);
    for (const [j, name] of node.outputs.entries()) {
      const recorded = graph.types.get(name);
      if (!recorded) throw new Error(`${where}: the type of '${name}' is not recorded`);
      if (recorded.dtype !== inferred[j].dtype || !sameShape(recorded.shape, inferred[j].shape))
        throw new Error(`${where}: '${name}' is recorded as ${text(recorded)} but is ${text(inferred[j])}`);
      define(name, inferred[j], where);
    }
  }
  for (const { name, dtype, shape } of graph.outputs) {
    const type = defined.get(name);
    if (!type) throw new Error(`outputs: value '${name}' is not defined`);
    if (type.dtype !== dtype || !sameShape(type.shape, shape))
      throw new Error(`outputs: '${name}' is declared as ${text({ dtype, shape })} but is ${text(type)}`);
  }
}
