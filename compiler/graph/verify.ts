import { messageOf } from '../../base/errors.js';
import { fits } from './editor.js';
import { scopeOf, type OnnxGraph, type Scope } from './graph.js';
import { inferNode } from './infer.js';
import { typeText } from './print.js';
import { standIns, tensorType, valueType, type TensorType, type ValueType } from './types.js';

/**
 * Checks that every value is defined once and before its use, that the recorded output types of every node equal the types
 * inferred from its inputs, and that the ports of the graph agree with them. In a graph read from a file, types may be
 * unknown; known types must agree.
 * @throws Error naming the first node that is wrong.
 */
export function verifyGraph(graph: OnnxGraph): void {
  const loose = graph.source !== undefined;
  const defined = new Map<string, ValueType | undefined>();
  const define = (name: string, type: ValueType | undefined, where: string): void => {
    if (name === '') throw new Error(`${where}: a value has no name`);
    if (defined.has(name)) throw new Error(`${where}: value '${name}' is defined twice`);
    const recorded = graph.types.get(name);
    if (!loose && !recorded) throw new Error(`${where}: the type of '${name}' is not recorded`);
    if (recorded && type && !fits(recorded, type, loose))
      throw new Error(`${where}: '${name}' is recorded as ${typeText(recorded)} but is ${typeText(type)}`);
    defined.set(name, recorded ?? type);
  };
  const typeOf = (name: string): TensorType | undefined => {
    const type = defined.get(name);
    return type && tensorType(type);
  };
  for (const { name, dtype, shape } of graph.inputs)
    define(name, dtype === 'opaque' ? undefined : { dtype, shape }, 'inputs');
  for (const [name, { dtype, shape }] of graph.constants) define(name, { dtype, shape }, 'constants');
  const scope: Scope = { ...scopeOf(graph), type: typeOf };
  for (const [i, node] of graph.nodes.entries()) {
    const where = `node ${i}, ${node.op}`;
    for (const name of node.inputs)
      if (name !== '' && !defined.has(name)) throw new Error(`${where}: value '${name}' is used before its definition`);
    const inferred = inferNode(scope, node, node.outputs.length).map((type) =>
      valueType(type, loose ? 'loose' : standIns[0]),
    );
    if (!loose && inferred.length !== node.outputs.length)
      throw new Error(`${where}: has ${node.outputs.length} outputs, not ${inferred.length}`);
    for (const [j, name] of node.outputs.entries()) if (name !== '' || !loose) define(name, inferred[j], where);
  }
  for (const { name, dtype, shape } of graph.outputs) {
    if (!defined.has(name)) throw new Error(`outputs: value '${name}' is not defined`);
    const type = defined.get(name);
    if (type && dtype !== 'opaque' && !fits(type, { dtype, shape }, loose))
      throw new Error(`outputs: '${name}' is declared as ${typeText({ dtype, shape })} but is ${typeText(type)}`);
  }
}

/**
 * The same graph, verified where the environment has `NAS_VERIFY=1`, as in tests.
 * @param stage what made the graph; errors name it
 */
export function checkedAfter<G extends OnnxGraph>(stage: string, graph: G): G {
  try {
    if (process.env['NAS_VERIFY'] === '1') verifyGraph(graph);
  } catch (error) {
    throw new Error(`internal: wrong after ${stage}: ${messageOf(error)}`, { cause: error });
  }
  return graph;
}
