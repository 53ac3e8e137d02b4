import {
  applyRule,
  cellOps,
  layersOf,
  readEdges,
  type Cell,
  type Layer,
  type LayerTable,
  type Network,
  type Shape,
} from '../../spaces/index.js';

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

/**
 * Which operations of a cell a runtime executes: the `live` ones, which are layers of the network; all that are `written`,
 * as frameworks without a graph compiler do; or those whose result is `read`, be it of zeros.
 */
export type Execution = 'live' | 'written' | 'read';

const executedEdges: { readonly [E in Exclude<Execution, 'live'>]: (cell: Cell) => readonly boolean[] } = {
  written: (cell) => cell.map(() => true),
  read: readEdges,
};
const executions = ['written', 'read'] as const;

/** Whether a column counts operations of cells, by one of these executions. */
export const isDeclared = (column: Column, among: readonly Execution[] = executions): boolean =>
  among.some((execution) => column.startsWith(`${execution}_`));

/** Fewer samples than this say nothing about overlaps, single layers and executions. */
export const fewForDetails = 8;

/**
 * How a device may execute cells, and how likely that is: most tables were taken with frameworks that run them as they
 * are written.
 * @param declared whether they may be executed beyond their live layers.
 */
export function likelyExecutions(
  samples: number,
  declared: boolean,
): readonly { readonly execution: Execution; readonly probability: number }[] {
  if (!declared) return [{ execution: 'live', probability: 1 }];
  if (samples < fewForDetails) return [{ execution: 'written', probability: 1 }];
  return [
    { execution: 'written', probability: 0.8 },
    { execution: 'read', probability: 0.2 },
  ];
}

/** Operations of cells that runtimes execute, by execution: published tables were often taken without a graph compiler. */
export function declaredTerms({ blocks }: Network): Term[] {
  const counts = new Map<Column, number>();
  for (const block of blocks) {
    if (block.kind !== 'cell') continue;
    for (const execution of executions) {
      const executed = executedEdges[execution](block.cell);
      for (const op of cellOps) {
        const column = `${execution}_${op}`;
        counts.set(column, (counts.get(column) ?? 0) + block.cell.filter((own, i) => executed[i] && own === op).length);
      }
    }
  }
  return [...counts];
}

/** How often a network executes each distinct layer, and the operations that its cells are written with. */
export interface Profile {
  /** Positions in the catalogue, ascending, each once. */
  readonly layers: readonly number[];
  /** How often each occurs. */
  readonly counts: readonly number[];
  readonly declared: readonly Term[];
  /** Nothing of the input reaches the output; what remains of such a network differs from device to device. */
  readonly isConstant: boolean;
}

/** A measured network, taken apart. */
export interface Sample {
  readonly profile: Profile;
  readonly ms: number;
}

/** The distinct layers that occur in some networks. */
export class Catalogue {
  readonly layers: LayerFeatures[] = [];
  private readonly positions = new Map<string, number>();

  /** The layers of a network that take time, entered into the catalogue where they are new. */
  profile(network: Network): Profile {
    const all = layersOf(network);
    return {
      ...this.count(all),
      declared: declaredTerms(network),
      isConstant: all.some(({ kind }) => kind === 'zero'),
    };
  }

  /** Those of some layers that take time. */
  count(all: readonly Layer[]): Pick<Profile, 'layers' | 'counts'> {
    const found = new Map<number, number>();
    for (const layer of all)
      if (this.takesTime(layer)) found.set(this.position(layer), (found.get(this.position(layer)) ?? 0) + 1);
    const layers = [...found.keys()].sort((a, b) => a - b);
    return { layers, counts: layers.map((i) => found.get(i) ?? 0) };
  }

  /** Whether a layer does anything of its own: batch norm, ReLU and dropout are part of what comes before. */
  takesTime(layer: Layer): boolean {
    return this.layers[this.position(layer)].terms.length > 0;
  }

  private position(layer: Layer): number {
    const key = keyOf(layer);
    const known = this.positions.get(key);
    if (known !== undefined) return known;
    const position = this.layers.push(describeLayer(layer, key)) - 1;
    this.positions.set(key, position);
    return position;
  }
}
