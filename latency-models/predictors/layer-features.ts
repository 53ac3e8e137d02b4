import { applyRule, type Layer, type LayerTable, type Shape } from '../../spaces/index.js';

/** Names of the physical totals: `pointwise_macs`, `depthwise5_macs`, `conv_traffic`, ... */
export type Column = string;

/** An amount of something that takes time, of one image. */
export type Term = readonly [column: Column, amount: number];

/** Position of a layer among layers of its kind: kernel, stride and logarithms of sizes. */
export type Place = readonly number[];

/** What one layer adds to the totals, and what makes two layers alike. */
export interface LayerFeatures {
  /** The configuration as a text: layers with the same key take the same time. */
  readonly key: string;
  readonly terms: readonly Term[];
  /** Multiply-accumulates, or values where a layer has none: the currency of coverage. */
  readonly work: number;
  /** Values read and written. */
  readonly traffic: number;
  /** Layers of different families have nothing in common. */
  readonly family: string;
  readonly place: Place;
}

const size = ([height, width, channels]: Shape): number => height * width * channels;

const launch: Term = ['kernels', 1];

/**
 * Processors compute channels in blocks, of one vector register (Georganas et al. 2018): 16 float32 numbers with AVX-512.
 * ONNX Runtime lays values out in such blocks too.
 */
const channelBlock = 16;
/** Images come as they are, and nothing is laid out for them. */
const imageChannels = 4;

/** What a convolution does because its channels fill no whole blocks. */
function blockTerms(macs: number, { input, output }: Layer): readonly Term[] {
  const [from, to] = [input[2], output[2]];
  const filled = channelBlock * Math.ceil(to / channelBlock);
  return [
    // The last block of channels costs as much as a full one.
    ...(filled > to ? [['channel_padding', (macs / to) * (filled - to)] as const] : []),
    // Inputs of less than a block are laid out again first.
    ...(from > imageChannels && from < channelBlock ? [['narrow_traffic', size(input)] as const] : []),
  ];
}

/** Activations, poolings, sums, products, shuffles: little arithmetic on many values. */
const elementwise = (name: Column, { input, output }: Layer): readonly Term[] => [
  [name, size(output)],
  ['elementwise_traffic', size(input) + size(output)],
  launch,
];

/**
 * What each kind of layer adds to the totals of the graph as it is executed: batch norm is folded into convolutions,
 * ReLU and ReLU6 are fused into what comes before, dropout is gone. A layer without terms is known to cost nothing.
 */
const terms: LayerTable<readonly Term[]> = {
  input: () => [],
  conv: (layer) => {
    const { kernel, groups = 1, input, output } = layer;
    const params = (kernel * kernel * input[2] * output[2]) / groups;
    const macs = params * output[0] * output[1];
    const kind = groups > 1 ? 'grouped' : kernel === 1 ? 'pointwise' : `conv${kernel}`;
    return [
      [`${kind}_macs`, macs],
      ...(groups > 1 ? [] : blockTerms(macs, layer)),
      ['conv_traffic', size(input) + size(output)],
      ['params', params],
      launch,
    ];
  },
  depthwise: ({ kernel, stride, input, output }) => {
    const traffic = size(input) + size(output);
    return [
      [`depthwise${kernel}_macs`, kernel * kernel * size(output)],
      ['depthwise_traffic', traffic],
      // A stride leaves gaps between the values that are read, once more for each row of the kernel.
      ...(stride > 1 ? [['strided_depthwise_rows', kernel * size(output)] as const] : []),
      ['params', kernel * kernel * output[2]],
      launch,
    ];
  },
  batch_norm: () => [],
  activation: (layer) => {
    const free = layer.standalone !== true && (layer.act === 'relu' || layer.act === 'relu6');
    return free ? [] : elementwise(`${layer.act}_values`, layer);
  },
  avg_pool: (layer) => elementwise('window_pooled_values', layer),
  global_pool: ({ input, output }) => [
    ['pooled_values', size(input)],
    ['elementwise_traffic', size(input) + size(output)],
    launch,
  ],
  dense: ({ input, output }) => [
    ['dense_macs', size(input) * output[2]],
    ['params', (size(input) + 1) * output[2]],
    launch,
  ],
  dropout: () => [],
  add: (layer) => elementwise('added_values', layer),
  multiply: (layer) => elementwise('scaled_values', layer),
  shuffle: (layer) => elementwise('shuffled_values', layer),
  zero: () => [],
};

const isWork = (column: Column): boolean => column.endsWith('_macs') || column.endsWith('_values');

/** Parameters of a kind that make its layers differ besides their shapes. */
const variants: LayerTable<{ readonly family: string; readonly window: readonly [kernel: number, stride: number] }> = {
  input: ({ kind }) => ({ family: kind, window: [1, 1] }),
  conv: ({ kernel, stride, groups = 1 }) => ({
    family: groups > 1 ? `conv/${groups}` : 'conv',
    window: [kernel, stride],
  }),
  depthwise: ({ kind, kernel, stride }) => ({ family: kind, window: [kernel, stride] }),
  batch_norm: ({ kind }) => ({ family: kind, window: [1, 1] }),
  activation: ({ act }) => ({ family: act, window: [1, 1] }),
  avg_pool: ({ kind, kernel, stride }) => ({ family: kind, window: [kernel, stride] }),
  global_pool: ({ kind }) => ({ family: kind, window: [1, 1] }),
  dense: ({ kind }) => ({ family: kind, window: [1, 1] }),
  dropout: ({ kind }) => ({ family: kind, window: [1, 1] }),
  add: ({ kind }) => ({ family: kind, window: [1, 1] }),
  multiply: ({ kind }) => ({ family: kind, window: [1, 1] }),
  shuffle: ({ kind }) => ({ family: kind, window: [1, 1] }),
  zero: ({ kind }) => ({ family: kind, window: [1, 1] }),
};

/** `conv 3/2 32x32x16 16x16x32`: kernel and stride, input, output. */
export function keyOf(layer: Layer): string {
  const { family, window } = applyRule(variants, layer);
  return `${family} ${window.join('/')} ${layer.input.join('x')} ${layer.output.join('x')}`;
}

export function describeLayer(layer: Layer, key: string): LayerFeatures {
  const { family, window } = applyRule(variants, layer);
  const own = applyRule(terms, layer);
  const { input, output } = layer;
  return {
    key,
    terms: own,
    work: own.reduce((total, [column, amount]) => total + (isWork(column) ? amount : 0), 0),
    traffic: size(input) + size(output),
    family,
    place: [window[0] / 2, window[1], Math.log2(input[2]), Math.log2(output[2]), Math.log2(output[0] * output[1]) / 2],
  };
}
