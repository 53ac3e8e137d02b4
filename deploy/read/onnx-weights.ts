import { TensorProto_DataType, type NodeProto } from 'onnx-buf';
import { invalidInput } from '../../base/errors.js';
import type { OnnxFile } from '../../compiler/index.js';
import { layersOf, type Layer, type LayerOf, type Network } from '../../spaces/index.js';
import { batchNorm, weightSpecs, type Weights, type WeightValue } from '../../spaces/models/index.js';

/** Layers that have a kernel. */
type Kernel = LayerOf<'conv' | 'depthwise' | 'dense'>;

const isKernel = (layer: Layer): layer is Kernel =>
  layer.kind === 'conv' || layer.kind === 'depthwise' || layer.kind === 'dense';

/** A node that multiplies by a constant kernel, and what is added to its outputs; null: nothing. */
interface Product {
  readonly name: string;
  readonly kernel: WeightValue;
  readonly bias: WeightValue | null;
}

const products: ReadonlySet<string> = new Set(['Conv', 'MatMul']);

/** The constants of float32. */
function constantsOf({ graph }: OnnxFile): Map<string, WeightValue> {
  const floats = graph.initializer.filter(({ dataType }) => dataType === TensorProto_DataType.FLOAT.valueOf());
  return new Map(
    floats.map(({ name, dims, rawData, floatData }) => {
      // A copy: the file's bytes need not lie at multiples of four.
      const bytes = Uint8Array.from(rawData);
      const data = bytes.length > 0 ? new Float32Array(bytes.buffer) : Float32Array.from(floatData);
      return [name, { shape: dims.map(Number), data }];
    }),
  );
}

/** The products with constant kernels in the order of the file. */
function productsOf(file: OnnxFile): Product[] {
  const constants = constantsOf(file);
  const { node } = file.graph;
  const added = (output: string): WeightValue | null => {
    const reader = node.find(({ input }) => input.includes(output));
    if (reader?.opType === 'Reshape') return added(reader.output[0]);
    if (reader?.opType !== 'Add') return null;
    return reader.input.map((name) => constants.get(name)).find((value) => value !== undefined) ?? null;
  };
  const biasOf = ({ opType, input, output }: NodeProto): WeightValue | null =>
    opType === 'Conv' ? (constants.get(input.at(2) ?? '') ?? null) : added(output[0]);
  return node.flatMap((one) => {
    const kernel = products.has(one.opType) ? constants.get(one.input[1]) : undefined;
    return kernel === undefined ? [] : [{ name: one.name, kernel, bias: biasOf(one) }];
  });
}

/** The product of each layer: by the name of its node, or, where another program has renamed nodes, by their order. */
function byLayer(layers: readonly Kernel[], found: readonly Product[], where: string): (readonly [Kernel, Product])[] {
  const named = layers.flatMap((layer) => {
    const product = found.find(({ name }) => name.startsWith(`${layer.name}/`));
    return product === undefined ? [] : [[layer, product] as const];
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
};

function permuted({ shape, data }: WeightValue, order: readonly number[]): WeightValue {
  const target = order.map((axis) => shape[axis]);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const values = new Float32Array(data.length);
  for (let i = 0; i < values.length; i++) {
    let source = 0;
    let rest = i;
    for (let axis = target.length - 1; axis >= 0; axis--) {
      source += (rest % target[axis]) * strides[order[axis]];
      rest = Math.floor(rest / target[axis]);
    }
    values[i] = data[source];
  }
  return { shape: target, data: values };
}

const filled = (size: number, value: number): WeightValue => ({
  shape: [size],
  data: new Float32Array(size).fill(value),
});

/** A bias as a vector; one number stands for equal ones, and none for zeros. */
const vector = (size: number, bias: WeightValue | null): WeightValue =>
  bias === null || bias.data.length === 1 ? filled(size, bias?.data[0] ?? 0) : { shape: [size], data: bias.data };

/**
 * The weights of a network from the ONNX file that it was exported to, where batch norm is folded into the kernels. It
 * becomes one that adds the folded bias and does nothing else in inference.
 * @param where what errors call the file
 * @throws NasError `invalid-input` when the file does not hold the network
 */
export function onnxWeights(file: OnnxFile, network: Network, where: string): Weights {
  const layers = layersOf(network);
  const weights = new Map<string, WeightValue>();
  for (const [layer, { kernel, bias }] of byLayer(layers.filter(isKernel), productsOf(file), where)) {
    const { name, kind, output } = layer;
    const channels = output[2];
    weights.set(`${name}/${kind === 'depthwise' ? 'depthwise_kernel' : 'kernel'}`, permuted(kernel, axes[kind]));
    if (kind === 'dense') {
      weights.set(`${name}/bias`, vector(channels, bias));
      continue;
    }
    const position = layers.indexOf(layer);
    const norm = layers.find(({ kind: next, inputs }) => next === 'batch_norm' && inputs.includes(position));
    if (norm === undefined) continue;
    weights.set(`${norm.name}/gamma`, filled(channels, 1));
    weights.set(`${norm.name}/beta`, vector(channels, bias));
    weights.set(`${norm.name}/moving_mean`, filled(channels, 0));
    weights.set(`${norm.name}/moving_variance`, filled(channels, 1 - batchNorm.epsilon));
  }
  const wrong = weightSpecs(network).find(({ name, shape }) => String(weights.get(name)?.shape) !== String(shape));
  if (wrong === undefined) return weights;
  throw invalidInput(`${where} does not hold its network: ${wrong.name} of shape [${wrong.shape}] is not there`, {
    hint: 'Give the file as nas exported it.',
  });
}
