import { contentHash } from '../../base/hash.js';
import type { Graph, Node } from './graph.js';
import { typeText } from './print.js';
import { attributeList, bytesOf } from './types.js';

/** Attributes whatever the order in which they were set; as text, since JSON knows no -0, NaN or infinity. */
const attributesOf = ({ attributes }: Node): readonly string[] =>
  attributeList(attributes)
    .map(
      ([name, { kind, value }]) =>
        `${name} ${kind} ${[value]
          .flat()
          .map((x) => (Object.is(x, -0) ? '-0' : x))
          .join()}`,
    )
    .sort();

/**
 * Identity of the program: equal for graphs of equal operators, attributes, constants, types and order of inputs and
 * outputs, whatever the names of values, ports and layers.
 */
export function graphHash(graph: Graph): string {
  const places = new Map<string, number>();
  const constants: unknown[] = [];
  const placeOf = (name: string): number => {
    if (name === '') return -1;
    const place = places.get(name) ?? places.size;
    const constant = places.has(name) ? undefined : graph.constants.get(name);
    places.set(name, place);
    if (constant) constants.push(place, constant.dtype, constant.shape, bytesOf(constant.data));
    return place;
  };
  const typed = (name: string): readonly unknown[] => {
    const type = graph.types.get(name);
    return [placeOf(name), type ? typeText(type) : null];
  };
  const inputs = graph.inputs.map(({ name }) => typed(name));
  const nodes = graph.nodes.map((node) => [
    node.op,
    node.inputs.map(placeOf),
    attributesOf(node),
    node.outputs.map(typed),
  ]);
  const outputs = graph.outputs.map(({ name }) => typed(name));
  return contentHash(graph.block, inputs, nodes, outputs, ...constants);
}
