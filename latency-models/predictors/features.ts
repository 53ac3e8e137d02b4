import {
  applyRule,
  layersOf,
  partsOf,
  type Layer,
  type LayerTable,
  type Network,
  type Part,
  type Shape,
} from '../../spaces/index.js';
import { sum } from '../../base/statistics.js';

/** Names of the physical totals: `pointwise_macs`, `depthwise5_macs`, `conv_traffic`, ... */
export type Column = string;

/** An amount of one column, for one image. */
export type Term = readonly [column: Column, amount: number];

/** The contribution of one layer to the totals. Those with the same key are the same object. */
export interface LayerFeatures {
  /** The configuration; layers with the same key take the same time. */
  readonly key: string;
  readonly terms: readonly Term[];
  /** Multiply-accumulates, or values where a layer has none; coverage counts it. */
  readonly work: number;
  /** Values read and written. */
  readonly traffic: number;
  readonly family: string;
}

const size = ([height, width, channels]: Shape): number => height * width * channels;

const launch: Term = ['kernels', 1];

/**
 * Channels are computed and laid out in blocks of one vector register (Georganas et al. 2018): 16 float32 numbers with
 * AVX-512.
 */
const channelBlock = 16;
/** Inputs with up to this many channels are images, which are not laid out again. */
const imageChannels = 4;

/** The extra work of a convolution whose channels do not fill whole blocks. */
function blockTerms(macs: number, { input, output }: Layer): readonly Term[] {
  const [from, to] = [input[2], output[2]];
  const filled = channelBlock * Math.ceil(to / channelBlock);
  return [
    // The last block of channels costs as much as a full one.
    ...(filled > to ? [['channel_padding', (macs / to) * (filled - to)] as const] : []),
    // Inputs of less than a block are first laid out again.
    ...(from > imageChannels && from < channelBlock ? [['narrow_traffic', size(input)] as const] : []),
  ];
}

/** Activations, poolings, sums, products, shuffles: little arithmetic on many values. */
const elementwise = (name: Column, { input, output }: Layer): readonly Term[] => [
  [name, size(output)],
  ['elementwise_traffic', size(input) + size(output)],
  launch,
];

/** Whether a layer is part of the one before in the executed graph (batch norm, ReLU and ReLU6), or removed: it takes no time. */
function isFree(layer: Layer): boolean {
  switch (layer.kind) {
    case 'input':
    case 'batch_norm':
    case 'dropout':
    case 'zero':
      return true;
    case 'activation':
      return layer.standalone !== true && (layer.act === 'relu' || layer.act === 'relu6');
    default:
      return false;
  }
}

/** The terms of each kind of layer that takes time. */
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
  activation: (layer) => elementwise(`${layer.act}_values`, layer),
  avg_pool: (layer) => elementwise('window_pooled_values', layer),
  max_pool: (layer) => elementwise('window_pooled_values', layer),
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
  zero: () => [],
  upsample: (layer) => elementwise('shuffled_values', layer),
  detections: (layer) => {
    const { input, output } = layer;
    const params = input[2] * output[2];
    const macs = params * output[0] * output[1];
    return [
      ['pointwise_macs', macs],
      ...blockTerms(macs, layer),
      ['conv_traffic', size(input) + size(output)],
      ['params', params + output[2]],
      launch,
    ];
  },
};

const isWork = (column: Column): boolean => column.endsWith('_macs') || column.endsWith('_values');

function familyOf(layer: Layer): string {
  if (layer.kind === 'activation') return layer.act;
  return layer.kind === 'conv' && layer.groups !== undefined && layer.groups > 1 ? `conv/${layer.groups}` : layer.kind;
}

const windowOf = (layer: Layer): readonly [kernel: number, stride: number] =>
  'kernel' in layer ? [layer.kernel, layer.stride] : [1, 1];

const shapeText = ([height, width, channels]: Shape): string => `${height}x${width}x${channels}`;

/** `conv 3/2 32x32x16 16x16x32`: kernel and stride, input, output. */
function keyOf(layer: Layer): string {
  const [kernel, stride] = windowOf(layer);
  return `${familyOf(layer)} ${kernel}/${stride} ${shapeText(layer.input)} ${shapeText(layer.output)}`;
}

function describeLayer(layer: Layer, key: string): LayerFeatures {
  const own = applyRule(terms, layer);
  const { input, output } = layer;
  return {
    key,
    terms: own,
    work: sum(own.map(([column, amount]) => (isWork(column) ? amount : 0))),
    traffic: size(input) + size(output),
    family: familyOf(layer),
  };
}

/** The features of layers by key; spaces have few different layers. */
const known = new Map<string, LayerFeatures>();

function featuresOf(layer: Layer): LayerFeatures {
  const key = keyOf(layer);
  const features = known.get(key) ?? describeLayer(layer, key);
  known.set(key, features);
  return features;
}

const timedLayers = ({ layers }: Part): readonly LayerFeatures[] =>
  layers.filter((layer) => !isFree(layer)).map(featuresOf);

/** The different layers of a network that take time, in the order of their first occurrences, and how often each occurs. */
export function countLayers(network: Network): ReadonlyMap<LayerFeatures, number> {
  // A search counts them for each candidate: lists of all layers would take twice the time.
  const counts = new Map<LayerFeatures, number>();
  for (const part of partsOf(network))
    for (const layer of part.of(timedLayers)) counts.set(layer, (counts.get(layer) ?? 0) + 1);
  return counts;
}

/** The layers of a network by their positions in a catalogue. */
export interface Profile {
  /** Ascending. */
  readonly layers: readonly number[];
  /** How often each occurs. */
  readonly counts: readonly number[];
  /** The output does not depend on the input; the remains of such a network differ between devices. */
  readonly isConstant: boolean;
}

/** The profile of a measured network. */
export interface Sample {
  readonly profile: Profile;
  readonly ms: number;
}

const isZero = ({ kind }: Layer): boolean => kind === 'zero';

/** The distinct layers of some networks. */
export class Catalogue {
  readonly layers: LayerFeatures[] = [];
  private readonly positions = new Map<LayerFeatures, number>();

  /** The layers of a network that take time; new ones are added to the catalogue. */
  profile(network: Network): Profile {
    const found = [...countLayers(network)].map(([layer, count]) => [this.position(layer), count] as const);
    found.sort(([a], [b]) => a - b);
    return {
      layers: found.map(([position]) => position),
      counts: found.map(([, count]) => count),
      isConstant: layersOf(network).some(isZero),
    };
  }

  private position(layer: LayerFeatures): number {
    const position = this.positions.get(layer) ?? this.layers.push(layer) - 1;
    this.positions.set(layer, position);
    return position;
  }
}
