import { applyRule, isFused, type Layer, type LayerKind, type LayerTable, type Shape } from './layers.js';
import type { LayersBefore } from './layer-list.js';
import { isChain, layersOf, type Part, partsOf, perNetwork } from './parts.js';

/** The cost of one primitive layer for one image. */
export interface LayerCost {
  readonly name: string;
  readonly kind: LayerKind;
  /** Multiply-accumulates. */
  readonly macs: number;
  /** Trainable parameters. */
  readonly params: number;
  /** Bytes of float32 activations read and written; 0 for layers fused into the one before. */
  readonly trafficBytes: number;
}

/** Exact costs of a network for one image in float32. */
export interface Costs {
  /** Multiply-accumulates of convolutions and dense layers, as papers count them; no other layer counts. */
  readonly macs: number;
  /** Trainable parameters, as PyTorch counts them: batch norm has two per channel. */
  readonly params: number;
  /** Moving means and variances of batch norm; `params + buffers` is TF.js's `countParams()`. */
  readonly buffers: number;
  /**
   * Peak activation memory: the largest sum of all tensors alive while a layer runs, its output included. Batch norm,
   * activation and dropout work in place.
   */
  readonly activationBytes: number;
  /** Activations read and written by all layers that are not fused into the one before. */
  readonly trafficBytes: number;
  /** Weights after batch norm is folded into convolutions (kernel and bias). */
  readonly sizeBytes: number;
  /** `sizeBytes` with int8 kernels; each output channel adds a scale, a 32-bit bias and the scale of the bias. */
  readonly int8SizeBytes: number;
  readonly layers: readonly LayerCost[];
}

const bytesPerValue = 4;
const size = ([height, width, channels]: Shape): number => height * width * channels;

interface Count {
  readonly macs: number;
  readonly params: number;
  readonly buffers: number;
  /** Values left in the weights after batch norm is folded. */
  readonly folded: number;
  /** Bytes of the weights with int8 kernels, biases included. */
  readonly int8: number;
}

const nothing: Count = { macs: 0, params: 0, buffers: 0, folded: 0, int8: 0 };

/** Each output channel of a quantized kernel has a scale, a bias and the scale of the bias. */
const bytesPerChannel = 3 * bytesPerValue;

const weights = (values: number, uses: number, channels: number): Count => ({
  macs: values * uses,
  params: values,
  buffers: 0,
  folded: values,
  int8: values + bytesPerChannel * channels,
});

/** The same with a bias for each output channel, which an int8 kernel has anyway. */
const biased = (values: number, uses: number, channels: number): Count => {
  const bare = weights(values, uses, channels);
  return { ...bare, params: bare.params + channels, folded: bare.folded + channels };
};

const counts: LayerTable<Count> = {
  input: () => nothing,
  conv: ({ kernel, groups = 1, input, output }) =>
    weights((kernel * kernel * input[2] * output[2]) / groups, output[0] * output[1], output[2]),
  depthwise: ({ kernel, output }) => weights(kernel * kernel * output[2], output[0] * output[1], output[2]),
  batch_norm: ({ output: [, , c] }) => ({ macs: 0, params: 2 * c, buffers: 2 * c, folded: c, int8: 0 }),
  activation: () => nothing,
  avg_pool: () => nothing,
  max_pool: () => nothing,
  global_pool: () => nothing,
  dense: ({ input, output }) => biased(size(input) * output[2], 1, output[2]),
  dropout: () => nothing,
  add: () => nothing,
  multiply: () => nothing,
  zero: () => nothing,
  upsample: () => nothing,
  detections: ({ input: [height, width, channels], output }) => biased(channels * output[2], height * width, output[2]),
};

/** Values that a layer reads: terms of a sum have one shape, and a gate has a value for each channel. */
const valuesRead = ({ kind, input, inputs }: Layer): number =>
  kind === 'multiply' ? size(input) + input[2] : inputs.length * size(input);

/** Largest number of values alive at once, the input of the layers among them; layers in place share the buffer of their input. */
function peakValues(layers: readonly Layer[], { count, read, shape }: LayersBefore): number {
  // The first buffer is the input of the layers.
  const at = (position: number): number => (position === read ? 0 : position - count + 1);
  const none = (): number[] => new Array<number>(layers.length + 1).fill(0);
  const [buffer, lastUse, freedAfter] = [none(), none(), none()];
  for (const [i, layer] of layers.entries()) {
    const own = i + 1;
    buffer[own] = isFused(layer) ? buffer[at(layer.inputs[0])] : own;
    for (const input of layer.inputs) lastUse[buffer[at(input)]] = own;
    lastUse[buffer[own]] = own;
  }
  const bytes = [size(shape), ...layers.map(({ output }) => size(output))];
  for (const [i, own] of bytes.entries()) if (buffer[i] === i) freedAfter[lastUse[i]] += own;
  let alive = 0;
  let peak = 0;
  for (const [i, own] of bytes.entries()) {
    if (buffer[i] === i) alive += own;
    peak = Math.max(peak, alive);
    alive -= freedAfter[i];
  }
  return peak;
}

const total = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((before, item) => before + of(item), 0);

/** The costs of a part. Its activation memory is the network's own where the part reads only the one before it. */
export function partCosts({ layers, before }: Part): Costs {
  const own = layers.map((layer) => applyRule(counts, layer));
  const each = layers.map((layer, i): LayerCost => {
    const { name, kind, output } = layer;
    const trafficBytes = isFused(layer) || kind === 'input' ? 0 : bytesPerValue * (valuesRead(layer) + size(output));
    return { name, kind, macs: own[i].macs, params: own[i].params, trafficBytes };
  });
  return {
    macs: total(own, ({ macs }) => macs),
    params: total(own, ({ params }) => params),
    buffers: total(own, ({ buffers }) => buffers),
    activationBytes: bytesPerValue * peakValues(layers, before),
    trafficBytes: total(each, ({ trafficBytes }) => trafficBytes),
    sizeBytes: bytesPerValue * total(own, ({ folded }) => folded),
    int8SizeBytes: total(own, ({ int8 }) => int8),
    layers: each,
  };
}

/** Exact costs of a network; pure arithmetic on its layers, nothing is built. */
export const costs = perNetwork((network): Costs => {
  const parts = partsOf(network).map((part) => part.of(partCosts));
  let layers: readonly LayerCost[] | undefined;
  return {
    macs: total(parts, ({ macs }) => macs),
    params: total(parts, ({ params }) => params),
    buffers: total(parts, ({ buffers }) => buffers),
    activationBytes: isChain(network)
      ? Math.max(...parts.map(({ activationBytes }) => activationBytes))
      : bytesPerValue * peakValues(layersOf(network), partsOf(network)[0].before),
    trafficBytes: total(parts, ({ trafficBytes }) => trafficBytes),
    sizeBytes: total(parts, ({ sizeBytes }) => sizeBytes),
    int8SizeBytes: total(parts, ({ int8SizeBytes }) => int8SizeBytes),
    get layers() {
      if (layers === undefined) {
        const own = layersOf(network);
        layers = parts.flatMap((part) => part.layers).map((layer, i) => ({ ...layer, name: own[i].name }));
      }
      return layers;
    },
  };
});
