import * as tf from '@tensorflow/tfjs-core';
import type { GraphModel } from '@tensorflow/tfjs-converter';
import * as tfl from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { encodeModel } from '../onnx/model.js';
import type { Graph } from '../graph/index.js';
import { runPasses, unfolded } from '../passes/pipelines.js';
import { factsOf } from '../runtime/classifier/signature.js';
import { portable } from '../target.js';
import { traceTwice } from '../trace/trace.js';
import { invalidInput } from '../../base/errors.js';
import { readTfjs, refusedTfjs, type TfjsFiles } from './tfjs-files.js';

/** Gives the parts of a model to the loaders of TF.js, which check the entries. */
const handlerOf = ({ json, weights }: TfjsFiles): tf.io.IOHandler => ({
  load: () =>
    Promise.resolve({
      modelTopology: json.modelTopology,
      ...(json.signature && { signature: json.signature }),
      userDefinedMetadata: json.userDefinedMetadata as Record<string, object> | undefined,
      weightSpecs: json.weightsManifest.flatMap((group) => group.weights) as unknown as tf.io.WeightsManifestEntry[],
      weightData: weights,
    }),
});

/** A layers model as TF.js runs it. */
export async function loadLayersModel(files: TfjsFiles): Promise<tfl.LayersModel> {
  // Else TF.js advertises its native backend when the weights are made.
  tf.enableProdMode();
  return tfl.loadLayersModel(handlerOf(files));
}

const graphNode = z.looseObject({ name: z.string(), op: z.string(), input: z.array(z.string()).default([]) });
type GraphNode = z.output<typeof graphNode>;

const nodeOf = (value: string): string => value.replace(/^\^/, '').replace(/:\d+$/, '');

/** The nodes of a graph by name. @throws Error when one reads another that is not there */
function nodesOf(topology: unknown): ReadonlyMap<string, GraphNode> {
  const nodes = new Map(
    z
      .array(graphNode)
      .parse(topology)
      .map((node) => [node.name, node]),
  );
  for (const { name, input } of nodes.values()) {
    const missing = input.find((value) => !nodes.has(nodeOf(value)));
    if (missing !== undefined) throw new Error(`${name} reads ${missing}, which is not there`);
  }
  return nodes;
}

/** The names of the nodes that a value is computed from, without inputs and constants. */
function behind(value: string, nodes: ReadonlyMap<string, GraphNode>): string[] {
  const found = new Set<GraphNode>();
  const open = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const node = nodes.get(nodeOf(next));
    if (node === undefined || found.has(node)) continue;
    found.add(node);
    open.push(...node.input);
  }
  return [...found].filter(({ op }) => op !== 'Const' && op !== 'Placeholder').map(({ name }) => name);
}

/** The same for numbers in any order. */
function contentOf(data: ArrayLike<number>): string {
  const bits = new Uint16Array(Float32Array.from(data).buffer);
  const sums = [0, 0, 0];
  for (let i = 0; i < bits.length; i += 2) {
    sums[0] += bits[i];
    sums[1] += bits[i + 1];
    sums[2] = (sums[2] + Math.imul(bits[i] + 1, bits[i + 1] + 1)) | 0;
  }
  return `${bits.length}:${sums.join()}`;
}

type NamedData = readonly [name: string, data: ArrayLike<number>];

/** A graph whose constants have the names of the weights that they are, perhaps in another order. */
function withNames(graph: Graph, weights: readonly NamedData[]): Graph {
  const names = new Map(weights.map(([name, data]) => [contentOf(data), name]));
  const renamed = new Map<string, string>();
  const taken = new Set(graph.types.keys());
  for (const [name, { dtype, data }] of graph.constants) {
    const own = dtype === 'float32' ? names.get(contentOf(data as Float32Array)) : undefined;
    // A weight that is read in two orders is two constants.
    if (own === undefined || taken.has(own)) continue;
    taken.add(own);
    renamed.set(name, own);
  }
  const to = (name: string): string => renamed.get(name) ?? name;
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(to) })),
    constants: new Map([...graph.constants].map(([name, constant]) => [to(name), constant])),
    types: new Map([...graph.types].map(([name, type]) => [to(name), type])),
  };
}

/** What the files of a model say about it, as metadata of an ONNX file. */
function metadataOf({ json, metadata }: TfjsFiles): Record<string, string> {
  const facts = { layout: 'NHWC', ...factsOf({ ...json.userDefinedMetadata }), ...metadata };
  return Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

/** A function of images as ONNX. @param infer gives the logits, and values inside that keep their names */
function exported(
  infer: (images: tf.Tensor) => Readonly<Record<string, tf.Tensor>>,
  shape: readonly (number | null)[],
  weights: readonly NamedData[],
): Graph {
  const { graph } = traceTwice(
    ({ images }) => infer(images),
    { images: { shape: [null, ...shape] } },
    {
      freeze: () => true,
      plain: true,
    },
  );
  const alone = { ...graph, outputs: graph.outputs.filter(({ name }) => name === 'logits') };
  return runPasses({ graph: withNames(alone, weights) }, unfolded, portable).graph;
}

interface Ends {
  readonly inputs: readonly unknown[];
  readonly outputs: readonly unknown[];
}

function requireOneEach({ inputs, outputs }: Ends): void {
  if (inputs.length !== 1 || outputs.length !== 1)
    throw invalidInput(`it has ${inputs.length} inputs and ${outputs.length} outputs, not one of each`);
}

/** A graph model, whose values keep the names that they have in the file. */
function exportGraph(model: GraphModel, nodes: ReadonlyMap<string, GraphNode>): Graph {
  const { inputs, outputs } = model;
  requireOneEach(model);
  const [{ name: input, shape = [] }] = inputs;
  const [{ name: output }] = outputs;
  const names = behind(output, nodes).filter((name) => ![output, input, 'images', 'logits'].includes(name));
  const weights = Object.entries(model.weights).flatMap(([name, [tensor]]): NamedData[] =>
    tensor.dtype === 'float32' ? [[name, tensor.dataSync()]] : [],
  );
  const infer = (images: tf.Tensor): Record<string, tf.Tensor> => {
    const [logits, ...inside] = [model.execute(images, [output, ...names])].flat();
    const isFeature = ({ dtype, shape: [count] }: tf.Tensor): boolean =>
      dtype === 'float32' && count === images.shape[0];
    const features = inside.map((tensor, i) => [names[i], tensor] as const).filter(([, tensor]) => isFeature(tensor));
    return { logits, ...Object.fromEntries(features) };
  };
  return exported(
    infer,
    shape.slice(1).map((size) => (size > 0 ? size : null)),
    weights,
  );
}

async function ofGraphModel(files: TfjsFiles): Promise<Graph> {
  const nodes = nodesOf(files.json.modelTopology['node']);
  const { loadGraphModel } = await import('@tensorflow/tfjs-converter');
  tf.enableProdMode();
  const model = await loadGraphModel(handlerOf(files));
  try {
    return exportGraph(model, nodes);
  } finally {
    model.dispose();
  }
}

async function ofLayersModel(files: TfjsFiles): Promise<Graph> {
  const model = await loadLayersModel(files);
  try {
    requireOneEach(model);
    const weights = model.weights.map((weight): NamedData => [weight.originalName, weight.read().dataSync()]);
    const infer = (images: tf.Tensor) => ({ logits: model.apply(images, { training: false }) as tf.Tensor });
    return exported(infer, model.inputs[0].shape.slice(1), weights);
  } finally {
    model.dispose();
  }
}

/**
 * Reads a TF.js layers model or graph model, with weights of floats or quantized ones, as ONNX.
 * @param path its folder, its `model.json`, or a .zip archive of them
 * @throws NasError `invalid-input` in a sentence when a part is missing or damaged, or an operation is not known
 */
export async function tfjsClassifier(path: string): Promise<Uint8Array> {
  const files = await readTfjs(path);
  const { format, modelTopology } = files.json;
  const isGraph = format === 'graph-model' || 'node' in modelTopology;
  try {
    const graph = await (isGraph ? ofGraphModel : ofLayersModel)(files);
    return encodeModel(graph, { name: 'network', metadata: metadataOf(files) });
  } catch (cause) {
    throw refusedTfjs(files.file, cause);
  }
}
