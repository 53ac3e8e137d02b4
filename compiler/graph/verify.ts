import { sameShape, standIns, tensorType, type TensorType, valueType, type ValueType } from './types.js';
import { type Graph, inferNode, type Scope, scopeOf } from './graph.js';
import { typeText } from './print.js';

const sameType = (a: ValueType, b: ValueType): boolean => a.dtype === b.dtype && sameShape(a.shape, b.shape);

/**
 * Checks that every value is defined once and before its use, that every node's recorded output types are those that
 * the operator table infers anew from its inputs, and that the ports of the graph agree with them.
 * @throws Error naming the first node that is wrong.
 */
export function verifyGraph(graph: Graph): void {
  const defined = new Map<string, ValueType>();
  const define = (name: string, type: ValueType, where: string): void => {
    if (name === '') throw new Error(`${where}: a value has no name`);
    if (defined.has(name)) throw new Error(`${where}: value '${name}' is defined twice`);
    const recorded = graph.types.get(name);
    if (!recorded) throw new Error(`${where}: the type of '${name}' is not recorded`);
    if (!sameType(recorded, type))
      throw new Error(`${where}: '${name}' is recorded as ${typeText(recorded)} but is ${typeText(type)}`);
    defined.set(name, type);
  };
  for (const { name, dtype, shape } of graph.inputs) define(name, { dtype, shape }, 'inputs');
  for (const [name, { dtype, shape }] of graph.constants) define(name, { dtype, shape }, 'constants');
  const typeOf = (name: string): TensorType | undefined => {
    const type = defined.get(name);
    return type && tensorType(type);
  };
  const scope: Scope = { ...scopeOf(graph), type: typeOf };
  for (const [i, node] of graph.nodes.entries()) {
    const where = `node ${i}, ${node.op}`;
    for (const name of node.inputs)
      if (name !== '' && !defined.has(name)) throw new Error(`${where}: value '${name}' is used before its definition`);
    const inferred = inferNode(scope, node, node.outputs.length).map((type) => valueType(type, standIns[0]));
    if (inferred.length !== node.outputs.length)
      throw new Error(`${where}: has ${node.outputs.length} outputs, not ${inferred.length}`);
    for (const [j, name] of node.outputs.entries()) define(name, inferred[j], where);
  }
  for (const { name, dtype, shape } of graph.outputs) {
    const type = defined.get(name);
    if (!type) throw new Error(`outputs: value '${name}' is not defined`);
    if (!sameType(type, { dtype, shape }))
      throw new Error(`outputs: '${name}' is declared as ${typeText({ dtype, shape })} but is ${typeText(type)}`);
  }
}
