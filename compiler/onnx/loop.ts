import { AttributeProto_AttributeType as Kind } from 'onnx-buf';
import type { Graph, Port } from '../graph/index.js';
import { contentInit, encodeFile, portInit, type ModelOptions, type NodeInit, type PortInit } from './model.js';

/** A value that one step passes to the next: the graph's input, and the output that replaces it. */
export interface Carried {
  readonly input: string;
  readonly output: string;
}

/** Roles of the ports of a step's graph in a loop; the other ports have a value of their own for each step. */
export interface LoopPorts {
  readonly carried: readonly Carried[];
  /** Inputs that are the same in all steps. */
  readonly fixed: readonly string[];
}

/** The loop's input with the number of steps, an int64. */
export const stepsInput = 'loop/steps';
/** The loop's port for a port of the step. */
export const loopPort = (name: string): string => `loop/${name}`;

/** The leading axis of ports that have a value for each step. */
const steps = 'steps';
const [step, goOn, goOnStill] = ['loop/step', 'loop/condition', 'loop/next-condition'];

const portOf = ({ name, dtype, shape }: Port): PortInit => portInit(name, dtype, shape);

/**
 * A step's graph as the body of an ONNX `Loop` (ModelProto): one run computes any number of steps. Carried values stay in the
 * runtime between steps, on its device where it has one. Inputs and outputs with a value for each step have a leading axis,
 * which the number of the iteration indexes. The body is the unchanged graph, names included.
 */
export function encodeLoop(graph: Graph, { carried, fixed }: LoopPorts, options: ModelOptions): Uint8Array {
  const [inputs, outputs] = [byName(graph.inputs), byName(graph.outputs)];
  const handedOn = carried.map(({ input, output }) => {
    const port = outputs.get(output);
    if (port === undefined) throw new Error(`internal: the step has no output '${output}'`);
    return { input: { ...port, name: input }, output: port };
  });
  const [taken, given] = [
    new Set([...carried.map(({ input }) => input), ...fixed]),
    new Set(carried.map(({ output }) => output)),
  ];
  const own = [...inputs.values()].filter(({ name }) => !taken.has(name));
  const results = [...outputs.values()].filter(({ name }) => !given.has(name));
  const renamed = (port: Port): Port => ({ ...port, name: loopPort(port.name) });
  const stacked = ({ name, dtype, shape }: Port): PortInit => portInit(loopPort(name), dtype, [steps, ...shape]);

  const take = ({ name }: Port): NodeInit => ({
    name: loopPort(`take-${name}`),
    opType: 'Gather',
    input: [loopPort(name), step],
    output: [name],
  });
  const { node, initializer } = contentInit(graph);
  const body = {
    name: 'step',
    node: [...own.map(take), ...node, { name: goOnStill, opType: 'Identity', input: [goOn], output: [goOnStill] }],
    initializer,
    input: [portInit(step, 'int64', []), portInit(goOn, 'bool', []), ...handedOn.map(({ input }) => portOf(input))],
    output: [portInit(goOnStill, 'bool', []), ...handedOn.map(({ output }) => portOf(output)), ...results.map(portOf)],
  };
  const loop = {
    name: 'loop',
    opType: 'Loop',
    // No condition: the loop ends after the given number of steps.
    input: [stepsInput, '', ...carried.map(({ input }) => loopPort(input))],
    output: [...carried.map(({ output }) => output), ...results.map(({ name }) => name)].map(loopPort),
    attribute: [{ name: 'body', type: Kind.GRAPH, g: body }],
  };
  const main = {
    node: [loop],
    input: [
      portInit(stepsInput, 'int64', []),
      ...handedOn.map(({ input }) => portOf(renamed(input))),
      ...fixed.flatMap((name) => inputs.get(name) ?? []).map(portOf),
      ...own.map(stacked),
    ],
    output: [...handedOn.map(({ output }) => portOf(renamed(output))), ...results.map(stacked)],
  };
  return encodeFile(main, graph, options);
}

const byName = (ports: readonly Port[]): ReadonlyMap<string, Port> => new Map(ports.map((port) => [port.name, port]));
