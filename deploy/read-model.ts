import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { invalidInput } from '../base/errors.js';
import { product } from '../base/statistics.js';
import { biasNorm, permuted, type Model, type Weights, weightSpecs, type WeightValue } from '../spaces/models/index.js';
import {
  parseOnnx,
  parseText,
  readGraph,
  readTfjs,
  requireFloat32,
  type OnnxFile,
  type OnnxGraph,
  type TfjsFiles,
} from '../compiler/index.js';
import { convolutionNames, type Layer, type LayerOf, layersOf, type Network, headsOf } from '../spaces/index.js';
import { readInput } from '../base/files.js';
import { metadataIn, metadataOf, readMetadata, type ModelMetadata } from './metadata.js';

const manifest = z.object({ weightsManifest: z.array(z.object({ paths: z.array(z.string()) })) });

/** Names of the weight files of a `model.json`; none where it is damaged. */
export function weightPaths(file: string): readonly string[] {
  const { data } = manifest.safeParse(parseText(readFileSync(file, 'utf8')));
  return data?.weightsManifest.flatMap(({ paths }) => paths) ?? [];
}

/** The weights of a TF.js layers model that this package exported, by layer and role. */
function layersModelWeights({ file, json, weights }: TfjsFiles): Weights {
  let offset = 0;
  const values = json.weightsManifest.flatMap((group) => group.weights);
  return new Map(
    values.map(({ name, shape, dtype, quantization }) => {
      if (dtype !== 'float32' || quantization !== undefined)
        throw invalidInput(`the weights of the TF.js model ${file} are not float32: ${name}`, {
          hint: 'It must be a model.json that nas exported, with its weights beside it.',
        });
      const data = new Float32Array(weights, offset, product(shape));
      offset += data.byteLength;
      return [name, { shape, data }] as const;
    }),
  );
}

/** Layers that have a kernel; `point`: an output of a detector. */
type Kernel = LayerOf<'conv' | 'depthwise' | 'dense'> | (Pick<Layer, 'name' | 'output'> & { readonly kind: 'point' });

function kernelsIn(layer: Layer): readonly Kernel[] {
  switch (layer.kind) {
    case 'conv':
    case 'depthwise':
    case 'dense':
      return [layer];
    case 'detections': {
      const [rows, columns] = layer.output;
      return headsOf(layer).map(([name, size]) => ({ kind: 'point', name, output: [rows, columns, size] }) as const);
    }
    default:
      return [];
  }
}

/** A node that multiplies by a constant kernel, and the bias that is added to its outputs; null: none. */
interface Product {
  readonly name: string;
  readonly kernel: WeightValue;
  readonly bias: WeightValue | null;
}

const products: ReadonlySet<string> = new Set(['Conv', 'MatMul']);

function floatsOf({ constants }: OnnxGraph, name = ''): WeightValue | null {
  const { shape = [], data } = constants.get(name) ?? {};
  return data instanceof Float32Array ? { shape: [...shape], data } : null;
}

/** The products with constant kernels in the order of the file. */
function productsOf(graph: OnnxGraph): Product[] {
  const { nodes } = graph;
  const floats = (name?: string): WeightValue | null => floatsOf(graph, name);
  const added = (output: string): WeightValue | null => {
    const reader = nodes.find(({ inputs }) => inputs.includes(output));
    if (reader?.op === 'Reshape') return added(reader.outputs[0]);
    if (reader?.op !== 'Add') return null;
    return reader.inputs.map(floats).find((value) => value !== null) ?? null;
  };
  return nodes.flatMap((node) => {
    const { op, name = '', inputs, outputs } = node;
    const kernel = products.has(op) ? floats(inputs[1]) : null;
    if (kernel === null) return [];
    return [{ name, kernel, bias: op === 'Conv' ? floats(inputs[2]) : added(outputs[0]) }];
  });
}

/** The product of each layer: by the name of its node, or, where another program has renamed nodes, by their order. */
function byLayer(layers: readonly Kernel[], found: readonly Product[], where: string): (readonly [Kernel, Product])[] {
  const named = layers.flatMap((layer) => {
    const own = found.find(({ name }) => name.startsWith(`${layer.name}/`));
    return own === undefined ? [] : [[layer, own] as const];
  });
  if (named.length === layers.length) return named;
  if (found.length === layers.length) return layers.map((layer, i) => [layer, found[i]] as const);
  throw invalidInput(
    `${where} has ${found.length} convolutions and dense layers with constant kernels; its network has ${layers.length}`,
    { hint: 'Give the file as nas exported it.' },
  );
}

/** The axes of an ONNX kernel in TF.js's order: [out, in, k, k] as [k, k, in, out]; [channels, 1, k, k] as [k, k, channels, 1]. */
const axes: { readonly [K in Kernel['kind']]: readonly number[] } = {
  conv: [2, 3, 1, 0],
  depthwise: [2, 3, 0, 1],
  dense: [0, 1],
  point: [1, 0],
};

/** The kernels of a layer by their names: one, or, for a grouped convolution, the filters of each group. */
function kernelsOf(layer: Kernel, kernel: WeightValue): readonly (readonly [name: string, value: WeightValue])[] {
  if (layer.kind === 'point') {
    const [out, from] = kernel.shape;
    return [[`${layer.name}/kernel`, { shape: [out, from], data: kernel.data }]];
  }
  if (layer.kind !== 'conv')
    return [[`${layer.name}/${layer.kind === 'dense' ? 'kernel' : 'depthwise_kernel'}`, kernel]];
  const names = convolutionNames(layer);
  const [out, ...rest] = kernel.shape;
  const [filters, size] = [out / names.length, kernel.data.length / names.length];
  return names.map((name, g) => {
    const own = { shape: [filters, ...rest], data: kernel.data.subarray(g * size, (g + 1) * size) };
    return [`${name}/kernel`, own];
  });
}

const filled = (size: number, value: number): WeightValue => ({
  shape: [size],
  data: new Float32Array(size).fill(value),
});

/**
 * The batch norms that stand behind a pool or a sum and not behind a kernel: by the names of their nodes, or by their order. The
 * head's, behind a block without a sum, is folded into that block's last kernel, and does nothing.
 */
function normsApart(graph: OnnxGraph, norms: readonly LayerOf<'batch_norm'>[]): Weights {
  const nodes = graph.nodes.filter(({ op }) => op === 'BatchNormalization');
  const roles = ['gamma', 'beta', 'moving_mean', 'moving_variance'];
  return new Map(
    norms.flatMap(({ name, epsilon, output }, i): (readonly [string, WeightValue])[] => {
      const named = nodes.find((node) => node.name?.startsWith(`${name}/`));
      const node = named ?? (nodes.length === norms.length ? nodes[i] : undefined);
      if (node === undefined) return [...biasNorm(name, new Float32Array(output[2]), epsilon)];
      return roles.flatMap((role, j) => {
        const value = floatsOf(graph, node.inputs[j + 1]);
        return value === null ? [] : [[`${name}/${role}`, value] as const];
      });
    }),
  );
}

/** A bias as a vector; a single number is repeated, null gives zeros. */
const vector = (size: number, bias: WeightValue | null): WeightValue =>
  bias === null || bias.data.length === 1 ? filled(size, bias?.data[0] ?? 0) : { shape: [size], data: bias.data };

/**
 * The weights of a network from the ONNX file that it was exported to, where batch norm is folded into the kernels. It
 * becomes one that adds the folded bias and does nothing else in inference.
 * @param where what errors call the file
 * @throws NasError `invalid-input` when the file does not hold the network
 */
export function onnxWeights(file: OnnxFile, network: Network, where: string): Weights {
  requireFloat32(file, where, 'trained');
  const graph = readGraph(file);
  const layers = layersOf(network);
  const weights = new Map<string, WeightValue>();
  for (const [layer, { kernel, bias }] of byLayer(layers.flatMap(kernelsIn), productsOf(graph), where)) {
    const { name, kind, output } = layer;
    const channels = output[2];
    for (const [own, value] of kernelsOf(layer, kernel)) weights.set(own, permuted(value, axes[kind]));
    if (kind === 'dense' || kind === 'point') {
      weights.set(`${name}/bias`, vector(channels, bias));
      continue;
    }
    const position = layers.findIndex(({ name: own }) => own === name);
    const norm = layers.find(
      (next): next is LayerOf<'batch_norm'> => next.kind === 'batch_norm' && next.inputs.includes(position),
    );
    if (norm === undefined) continue;
    for (const [own, value] of biasNorm(norm.name, vector(channels, bias).data, norm.epsilon)) weights.set(own, value);
  }
  const apart = layers.filter(
    (layer): layer is LayerOf<'batch_norm'> => layer.kind === 'batch_norm' && !weights.has(`${layer.name}/gamma`),
  );
  for (const [name, value] of normsApart(graph, apart)) weights.set(name, value);
  const wrong = weightSpecs(network).find(({ name, shape }) => String(weights.get(name)?.shape) !== String(shape));
  if (wrong === undefined) return weights;
  throw invalidInput(`${where} does not hold its network: ${wrong.name} of shape [${wrong.shape}] is not there`, {
    hint: 'Give the file as nas exported it.',
  });
}

/** A model read back from a file that this package exported; it computes the same as the file. */
export interface ReadModel {
  readonly model: Model;
  readonly metadata: Partial<ModelMetadata>;
  /**
   * Whether batch norm is folded into the kernels: without its statistics, training would compute other values.
   */
  readonly folded: boolean;
}

/** @throws NasError `invalid-input` when the file does not say which network it is. */
function networkOf({ network }: Partial<ModelMetadata>, where: string): Network {
  if (network !== undefined) return network;
  throw invalidInput(`${where} does not say which network it is`, {
    hint: 'Files of nas export do: --to onnx, --to web or --to tfjs.',
  });
}

function readOnnx(path: string): ReadModel {
  const bytes = readInput(path);
  const file = parseOnnx(bytes, path);
  const metadata = readMetadata(bytes);
  const network = networkOf(metadata, path);
  return { model: { network, weights: onnxWeights(file, network, path) }, metadata, folded: true };
}

const besideOf = (path: string): string => join(dirname(path), 'metadata.json');

/** The metadata of an ONNX file, or beside a `model.json`. */
export async function metadataOfFile(path: string): Promise<Partial<ModelMetadata>> {
  if (!path.endsWith('.json')) return metadataIn(parseOnnx(readInput(path), path), path);
  return metadataOf((await readTfjs(path, false)).metadata, besideOf(path));
}

async function readLayersModel(path: string): Promise<ReadModel> {
  const files = await readTfjs(path);
  const metadata = metadataOf(files.metadata, besideOf(path));
  const network = networkOf(metadata, path);
  const weights = layersModelWeights(files);
  const wrong = weightSpecs(network).find(({ name, shape }) => String(weights.get(name)?.shape) !== String(shape));
  if (wrong === undefined) return { model: { network, weights }, metadata, folded: false };
  throw invalidInput(
    `${path} does not hold the network of its metadata.json: ${wrong.name} is not there as it should be`,
    { hint: 'Export the model again.' },
  );
}

/**
 * Reads a model that this package exported.
 * @param path an ONNX file, or a `model.json` with its weights and its `metadata.json` beside it
 * @throws NasError `invalid-input` when it is missing, damaged, or does not say which network it is
 */
export const readExport = async (path: string): Promise<ReadModel> =>
  path.endsWith('.json') ? readLayersModel(path) : readOnnx(path);
