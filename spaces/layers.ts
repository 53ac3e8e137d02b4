import { boxValues } from '../base/detections.js';
import { samePadding } from '../base/same-padding.js';
import {
  type Activation,
  type BasicBlock,
  type BottleneckBlock,
  type ConvSpec,
  type Block,
  branchesOf,
  type DetectionHead,
  expandedWidth,
  hasExpansion,
  type FusedMBConv,
  type Head,
  type MBConv,
  type Network,
  type Padding,
  type PooledBlock,
  type ReductionBlock,
  type SeparableBlock,
  type Style,
  squeezeWidth,
  strideOf,
  styleOf,
} from './network.js';
import { cellEdges, liveEdges, type Cell, type CellOp } from './cells.js';

/** Height, width, channels of one image's feature map; vectors are 1 x 1 maps. */
export type Shape = readonly [height: number, width: number, channels: number];

/** Activations of primitive layers. */
export type LayerActivation = Activation | Style['gate'];

interface Window {
  /** Height and width of the kernel. */
  readonly kernel: number;
  readonly stride: 1 | 2;
}

interface PaddedWindow extends Window {
  /** `same` wherever the paddings do not differ. */
  readonly padding: Padding;
}

/** The parameters of each kind of layer besides its name, inputs and shapes. */
interface Parameters {
  input: object;
  /**
   * No bias (batch norm follows); `groups` is the number of independent channel groups. `identity`: the first filters begin as
   * copies of their input.
   */
  conv: PaddedWindow & { readonly groups?: number; readonly identity?: true };
  /** One filter per channel, no bias. */
  depthwise: PaddedWindow;
  batch_norm: Pick<Style, 'epsilon' | 'momentum'>;
  /** `standalone`: its input has other readers or comes from no convolution, so no layer can absorb it. */
  activation: { readonly act: LayerActivation; readonly standalone?: true };
  /** Average over each window, 'same' padding; cells outside the map are not counted. */
  avg_pool: Window;
  /** Maximum over each window; cells outside the map are not counted. */
  max_pool: PaddedWindow;
  /** Average over height and width. */
  global_pool: object;
  /** With bias. */
  dense: object;
  dropout: { readonly rate: number };
  add: object;
  /** First input times the second, a vector with one entry per channel. */
  multiply: object;
  /** Channel shuffle (Zhang et al. 2018): channel i of group g becomes channel g of group i. */
  shuffle: { readonly groups: number };
  /** A map of zeros. */
  zero: object;
  /** Each pixel four times, two by two; without the last row or column where the output is one short. */
  upsample: object;
  /** Class logits and a box for each pixel: two convolutions of 1x1 with bias, concatenated. `stride`: of the pixels in the image. */
  detections: { readonly stride: number };
}

export type LayerKind = keyof Parameters;

interface LayerBase<K> {
  readonly kind: K;
  /** Unique in its network: `block3_expand`, `block3_depthwise_bn`. */
  readonly name: string;
  /** Positions of the producing layers in the list, all smaller than this layer's own. */
  readonly inputs: readonly number[];
  /** Shape of the first input; the input layer's own shape. */
  readonly input: Shape;
  readonly output: Shape;
}

/** A primitive layer of the given kinds. */
export type LayerOf<K extends LayerKind> = { [P in K]: LayerBase<P> & Parameters[P] }[K];

/** A primitive layer: one operation on feature maps. */
export type Layer = LayerOf<LayerKind>;

export type LayerParameters<K extends LayerKind> = Parameters[K];

/** One rule for every kind of layer, complete by type. */
export type LayerTable<Result, Extra extends readonly unknown[] = []> = {
  readonly [K in LayerKind]: (layer: LayerOf<K>, ...extra: Extra) => Result;
};

export function applyRule<K extends LayerKind, Result, Extra extends readonly unknown[]>(
  table: LayerTable<Result, Extra>,
  layer: LayerOf<K>,
  ...extra: Extra
): Result {
  return table[layer.kind](layer, ...extra);
}

/** Names of the kernels of a convolution: one, or one for each group. */
export const convolutionNames = ({ name, groups }: LayerOf<'conv'>): readonly string[] =>
  groups === undefined ? [name] : Array.from({ length: groups }, (_, g) => `${name}_group${g + 1}`);

/** Whether inference runtimes fold the layer into the one before or drop it: it costs no memory and no traffic. */
export const isFused = (layer: Layer): boolean =>
  layer.kind === 'batch_norm' || layer.kind === 'dropout' || (layer.kind === 'activation' && layer.standalone !== true);

/** ceil(in / stride), with either padding. */
const strided = ([height, width, channels]: Shape, stride: number): Shape => [
  Math.ceil(height / stride),
  Math.ceil(width / stride),
  channels,
];

/** A layer that moves a window over an image. */
export type Windowed = Pick<LayerOf<'avg_pool' | 'max_pool'>, 'kernel' | 'stride' | 'input' | 'output'> & {
  readonly padding?: Padding;
};

/** Padding before and after the image on an axis (0 is the height): TensorFlow's 'same', or half the kernel. */
export function paddingAlong({ kernel, stride, padding, input }: Windowed, axis: 0 | 1) {
  if (padding === 'symmetric') return [kernel >> 1, kernel >> 1] as const;
  return samePadding(input[axis], kernel, stride);
}

/** The names of a convolution's branches in training; the first copy has the name of the convolution. */
export const branchNames = {
  copy: (name: string, index: number): string => (index === 0 ? name : `${name}_copy${index + 1}`),
  point: (name: string): string => `${name}_point`,
  skip: (name: string): string => `${name}_skip`,
} as const;

/** How a convolution reads its input, and what follows it. */
interface Filtering extends Window {
  readonly act: LayerActivation | null;
  /** In training; default: 0. */
  readonly branches?: number | undefined;
}

/** Appends layers to a list; each method returns the position of the last layer that it added. */
class LayerList {
  readonly layers: Layer[] = [];

  /** @param withBranches whether re-parameterised convolutions have their branches */
  constructor(
    private readonly style: Style,
    private readonly withBranches: boolean,
  ) {}

  shape(position: number): Shape {
    return this.layers[position].output;
  }

  add<K extends LayerKind>(kind: K, name: string, inputs: readonly number[], output: Shape, own: LayerParameters<K>) {
    const input = inputs.length === 0 ? output : this.shape(inputs[0]);
    const layer: LayerOf<K> = { kind, name, inputs, input, output, ...own };
    return this.layers.push(layer as Layer) - 1;
  }

  /** A layer that keeps the shape of its first input. */
  same<K extends LayerKind>(kind: K, name: string, inputs: readonly [number, ...number[]], own: LayerParameters<K>) {
    return this.add(kind, name, inputs, this.shape(inputs[0]), own);
  }

  norm(name: string, x: number, act: LayerActivation | null): number {
    const { epsilon, momentum } = this.style;
    const y = this.same('batch_norm', `${name}_bn`, [x], { epsilon, momentum });
    return act === null ? y : this.same('activation', `${name}_act`, [y], { act });
  }

  padded({ kernel, stride }: Window): PaddedWindow {
    return { kernel, stride, padding: kernel > 1 && stride > 1 ? this.style.padding : 'same' };
  }

  /** A convolution alone, without batch norm. */
  bareConv(
    name: string,
    x: number,
    filters: number,
    own: Window & Pick<LayerParameters<'conv'>, 'groups' | 'identity'>,
  ): number {
    const [height, width] = strided(this.shape(x), own.stride);
    return this.add('conv', name, [x], [height, width, filters], { ...own, ...this.padded(own) });
  }

  conv(name: string, x: number, filters: number, own: Filtering & { readonly groups?: number }): number {
    const { stride, groups = 1 } = own;
    const grouped = groups === 1 ? {} : { groups };
    return this.branched(name, x, own, (branch, kernel) =>
      this.bareConv(branch, x, filters, { kernel, stride, ...grouped }),
    );
  }

  depthwise(name: string, x: number, own: Filtering): number {
    const { stride } = own;
    return this.branched(name, x, own, (branch, kernel) =>
      this.add('depthwise', branch, [x], strided(this.shape(x), stride), this.padded({ kernel, stride })),
    );
  }

  /** A convolution with batch norm and activation, or the sum of its branches with an activation. */
  private branched(
    name: string,
    x: number,
    { kernel, stride, act, branches = 0 }: Filtering,
    make: (name: string, kernel: number) => number,
  ): number {
    if (!this.withBranches || branches === 0) return this.norm(name, make(name, kernel), act);
    const branch = (own: string, side: number): number => this.norm(own, make(own, side), null);
    const terms = Array.from({ length: branches }, (_, i) => branch(branchNames.copy(name, i), kernel));
    if (kernel > 1) terms.push(branch(branchNames.point(name), 1));
    if (stride === 1 && this.shape(x)[2] === this.shape(terms[0])[2])
      terms.push(this.norm(branchNames.skip(name), x, null));
    const y = this.sum(`${name}_sum`, terms);
    return act === null ? y : this.same('activation', `${name}_act`, [y], { act });
  }

  avgPool(name: string, x: number, kernel: number, stride: 1 | 2): number {
    return this.add('avg_pool', name, [x], strided(this.shape(x), stride), { kernel, stride });
  }

  maxPool(name: string, x: number, own: PaddedWindow): number {
    return this.add('max_pool', name, [x], strided(this.shape(x), own.stride), own);
  }

  pool(name: string, x: number): number {
    return this.add('global_pool', name, [x], [1, 1, this.shape(x)[2]], {});
  }

  dense(name: string, x: number, units: number): number {
    return this.add('dense', name, [x], [1, 1, units], {});
  }

  squeezeExcite(name: string, x: number, ratio: number): number {
    if (ratio === 0) return x;
    const channels = this.shape(x)[2];
    const reduced = this.dense(`${name}_reduce`, this.pool(`${name}_pool`, x), squeezeWidth(channels, ratio));
    const hidden = this.same('activation', `${name}_reduce_act`, [reduced], { act: this.style.squeeze });
    const expanded = this.dense(`${name}_expand`, hidden, channels);
    const gate = this.same('activation', `${name}_gate`, [expanded], { act: this.style.gate });
    return this.same('multiply', `${name}_scale`, [x, gate], {});
  }

  /** A ReLU before a convolution (pre-activation order); its input may have other readers. */
  preRelu(name: string, x: number): number {
    return this.same('activation', name, [x], { act: 'relu', standalone: true });
  }

  /** The sum of one or more maps of one shape: additions of two, `name`, `name2`, ... */
  sum(name: string, terms: readonly number[]): number {
    const [first, ...others] = terms;
    return others.reduce((x, y, i) => this.same('add', i === 0 ? name : `${name}${i + 1}`, [x, y], {}), first);
  }

  /** Adds the block's input when stride and width are unchanged. */
  residual(name: string, x: number, y: number, stride: number): number {
    return stride === 1 && this.shape(x)[2] === this.shape(y)[2] ? this.same('add', `${name}_add`, [y, x], {}) : y;
  }
}

/** An edge of a cell under construction. */
interface EdgeSource {
  readonly list: LayerList;
  /** Prefix of the edge's layer names. */
  readonly name: string;
  /** Position of the source value. */
  readonly value: number;
  /** Position of the ReLU of the source value, shared by all convolutions that read it. */
  readonly relu: () => number;
}

const convolution =
  (kernel: number) =>
  ({ list, name, value, relu }: EdgeSource): number =>
    list.conv(name, relu(), list.shape(value)[2], { kernel, stride: 1, act: null });
const rules: { readonly [Op in Exclude<CellOp, 'none'>]: (edge: EdgeSource) => number } = {
  skip_connect: ({ value }) => value,
  nor_conv_1x1: convolution(1),
  nor_conv_3x3: convolution(3),
  avg_pool_3x3: ({ list, name, value }) => list.avgPool(name, value, 3, 1),
};

/** The nodes that each edge connects, in the order of `cellEdges`. */
const ends = cellEdges.map((name) => ({ from: Number(name[3]), to: Number(name[4]) }));

/**
 * Adds the executed layers of a cell: `name_op_01`, ...; the sum of a node's edges is `name_node3_add`, ... A cell whose
 * output is not reached gives a map of zeros.
 */
function cellLayers(list: LayerList, name: string, x: number, cell: Cell): number {
  const live = liveEdges(cell);
  const relus = new Map<number, number>();
  const reluOf = (node: number, value: number) => (): number => {
    const relu = relus.get(value) ?? list.preRelu(`${name}_node${node}_relu`, value);
    relus.set(value, relu);
    return relu;
  };
  const nodes = new Map([[0, x]]);
  for (const to of [1, 2, 3]) {
    const terms = cellEdges.flatMap((edge, i) => {
      const op = cell[i];
      const value = nodes.get(ends[i].from);
      if (!live[i] || ends[i].to !== to || op === 'none' || value === undefined) return [];
      return [rules[op]({ list, name: `${name}_${edge}`, value, relu: reluOf(ends[i].from, value) })];
    });
    if (terms.length > 0) nodes.set(to, list.sum(`${name}_node${to}_add`, terms));
  }
  return nodes.get(3) ?? list.same('zero', `${name}_zero`, [x], {});
}

/** A 1x1 convolution without activation. */
const point = { kernel: 1, stride: 1, act: null } as const;

function mbconv(list: LayerList, name: string, x: number, block: MBConv): number {
  const { filters, kernel, stride, act, expand, se, before, groups = 1 } = block;
  const own =
    before === undefined
      ? x
      : list.depthwise(`${name}_before`, x, { kernel: before, stride: kernel === 0 ? stride : 1, act: null });
  const wide = expandedWidth(list.shape(x)[2], expand);
  const expanded = hasExpansion(block) ? list.conv(`${name}_expand`, own, wide, { ...point, act, groups }) : own;
  const shuffled = groups === 1 ? expanded : list.same('shuffle', `${name}_shuffle`, [expanded], { groups });
  const mixed = kernel === 0 ? shuffled : list.depthwise(`${name}_depthwise`, shuffled, { kernel, stride, act });
  const scaled = list.squeezeExcite(`${name}_se`, mixed, se);
  return list.residual(name, x, list.conv(`${name}_project`, scaled, filters, { ...point, groups }), stride);
}

function fusedMBConv(list: LayerList, name: string, x: number, block: FusedMBConv): number {
  const { filters, kernel, stride, act, expand, se, groups } = block;
  const wide = expand === 1 ? filters : expandedWidth(list.shape(x)[2], expand);
  const expanded = list.conv(`${name}_fused`, x, wide, { kernel, stride, act, groups });
  const scaled = list.squeezeExcite(`${name}_se`, expanded, se);
  const projected = expand === 1 ? scaled : list.conv(`${name}_project`, scaled, filters, point);
  return list.residual(name, x, projected, stride);
}

function separable(list: LayerList, name: string, x: number, block: SeparableBlock): number {
  const { filters, kernel, stride, act, se, branches } = block;
  const filtered = list.depthwise(`${name}_dw`, x, { kernel, stride, act, branches });
  const scaled = list.squeezeExcite(`${name}_se`, filtered, se);
  return list.conv(`${name}_pw`, scaled, filters, { ...point, act, branches });
}

function basicBlock(list: LayerList, name: string, x: number, block: BasicBlock): number {
  const { filters, kernel, stride, act, hidden = filters } = block;
  const first = list.conv(`${name}_conv1`, x, hidden, { kernel, stride, act });
  const second = list.conv(`${name}_conv2`, first, filters, { kernel, stride: 1, act: null });
  return shortcutSum(list, name, x, second, block);
}

function bottleneck(list: LayerList, name: string, x: number, block: BottleneckBlock): number {
  const { filters, kernel, stride, act, hidden, middle = hidden } = block;
  const first = list.conv(`${name}_conv1`, x, hidden, { ...point, act });
  const second = list.conv(`${name}_conv2`, first, middle, { kernel, stride, act });
  return shortcutSum(list, name, x, list.conv(`${name}_conv3`, second, filters, point), block);
}

/** The activation of a sum of `y` and `x`, which is projected where its shape is another. */
function shortcutSum(list: LayerList, name: string, x: number, y: number, { filters, stride, act }: ConvSpec): number {
  const kept = stride === 1 && list.shape(x)[2] === filters;
  const shortcut = kept ? x : list.conv(`${name}_shortcut`, x, filters, { ...point, stride });
  const sum = list.same('add', `${name}_add`, [y, shortcut], {});
  return list.same('activation', `${name}_act`, [sum], { act });
}

function pooled(list: LayerList, name: string, x: number, { filters, kernel, stride, act }: PooledBlock): number {
  const mixed = list.bareConv(name, x, filters, { kernel, stride: 1, identity: true });
  return list.norm(
    name,
    stride === 1 ? mixed : list.maxPool(`${name}_pool`, mixed, { kernel: 2, stride, padding: 'same' }),
    act,
  );
}

function reduction(list: LayerList, name: string, x: number, { filters }: ReductionBlock): number {
  const first = list.conv(`${name}_conv1`, list.preRelu(`${name}_relu`, x), filters, {
    kernel: 3,
    stride: 2,
    act: 'relu',
  });
  const second = list.conv(`${name}_conv2`, first, filters, { kernel: 3, stride: 1, act: null });
  const pooled = list.avgPool(`${name}_pool`, x, 2, 2);
  const shortcut = list.bareConv(`${name}_shortcut`, pooled, filters, { kernel: 1, stride: 1 });
  return list.sum(`${name}_add`, [second, shortcut]);
}

function appendBlock(list: LayerList, name: string, x: number, block: Block): number {
  switch (block.kind) {
    case 'mbconv':
      return mbconv(list, name, x, block);
    case 'fused_mbconv':
      return fusedMBConv(list, name, x, block);
    case 'separable':
      return separable(list, name, x, block);
    case 'basic':
      return basicBlock(list, name, x, block);
    case 'bottleneck':
      return bottleneck(list, name, x, block);
    case 'conv':
      return list.conv(name, x, block.filters, block);
    case 'pooled':
      return pooled(list, name, x, block);
    case 'cell':
      return cellLayers(list, name, x, block.cell);
    case 'reduction':
      return reduction(list, name, x, block);
  }
}

/** The layers after the backbone of a detector. @param maps the last map of each stride */
function detectionLayers(list: LayerList, maps: ReadonlyMap<number, number>, head: DetectionHead, classes: number) {
  const { stride, deepest, width, depth, act } = head;
  const mapAt = (own: number): number => {
    const map = maps.get(own);
    if (map === undefined) throw new Error(`the network has no map of stride ${own}, which its head reads`);
    return list.conv(`head_neck${own}`, map, width, point);
  };
  let y = mapAt(deepest);
  for (let own = deepest / 2; own >= stride; own /= 2) {
    const map = mapAt(own);
    const doubled = list.add('upsample', `head_upsample${own}`, [y], list.shape(map), {});
    y = list.same('add', `head_add${own}`, [map, doubled], {});
  }
  y = list.same('activation', 'head_act', [y], { act });
  for (let i = 1; i <= depth; i++) y = list.conv(`head_tower${i}`, y, width, { kernel: 3, stride: 1, act });
  const [rows, columns] = list.shape(y);
  list.add('detections', 'head_outputs', [y], [rows, columns, classes + boxValues], { stride });
}

function beforePooling(list: LayerList, x: number, { filters, act, norm }: Head): number {
  if (filters > 0) return list.conv('head', x, filters, { ...point, act });
  return norm === true ? list.norm('head', x, act) : x;
}

/** Remembers what was computed last: what follows from a network is mostly asked for in a row. Networks never change. */
export function perNetwork<T extends object>(compute: (network: Network) => T): (network: Network) => T {
  let last: { readonly network: Network; readonly value: T } | undefined;
  return (network) => {
    if (last?.network !== network) last = { network, value: compute(network) };
    return last.value;
  };
}

function listed(network: Network, withBranches: boolean): readonly Layer[] {
  const { input, classes, stem, blocks, head } = network;
  const list = new LayerList(styleOf(network), withBranches);
  let x = list.add('input', 'input', [], input, {});
  x = list.conv('stem', x, stem.filters, stem);
  if (stem.pool !== undefined) x = list.maxPool('stem_pool', x, list.padded({ kernel: stem.pool, stride: 2 }));
  let stride = stem.stride * (stem.pool === undefined ? 1 : 2);
  const maps = new Map([[stride, x]]);
  for (const [i, block] of blocks.entries()) {
    x = appendBlock(list, `block${i + 1}`, x, block);
    stride *= strideOf(block);
    maps.set(stride, x);
  }
  if ('kind' in head) {
    detectionLayers(list, maps, head, classes);
    return list.layers;
  }
  x = beforePooling(list, x, head);
  x = list.pool('head_pool', x);
  if (head.hidden !== undefined) {
    x = list.dense('head_hidden', x, head.hidden);
    x = list.same('activation', 'head_hidden_act', [x], { act: head.act });
  }
  if (head.dropout > 0) x = list.same('dropout', 'head_dropout', [x], { rate: head.dropout });
  list.dense('logits', x, classes);
  return list.layers;
}

/**
 * The primitive layers of a network in execution order, from the input to the outputs, as it runs on devices: the single
 * source for costs, latency features and exports. Blocks are numbered from 1 (`block1_expand`).
 */
export const layersOf = perNetwork((network) => listed(network, false));

const branchedLayersOf = perNetwork((network) => listed(network, true));

/** The layers of a network in training, where convolutions have their branches. `apply` computes them, and checkpoints hold their weights. */
export const trainedLayersOf = (network: Network): readonly Layer[] =>
  network.blocks.some((block) => branchesOf(block) > 0) ? branchedLayersOf(network) : layersOf(network);
