import { boxValues } from '../base/detections.js';
import { cellEdges, liveEdges, type Cell, type CellOp } from './cells.js';
import { LayerList } from './layer-list.js';
import {
  type BasicBlock,
  type BottleneckBlock,
  type ConvSpec,
  type Block,
  type DetectionHead,
  expandedWidth,
  hasExpansion,
  type FusedMBConv,
  type Head,
  type MBConv,
  type Network,
  type PooledBlock,
  type ReductionBlock,
  type SeparableBlock,
  mapTaskOf,
} from './network.js';

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
  const { filters, kernel, stride, act, expand, se, before } = block;
  const own =
    before === undefined
      ? x
      : list.depthwise(`${name}_before`, x, { kernel: before, stride: kernel === 0 ? stride : 1, act: null });
  const wide = expandedWidth(list.shape(x)[2], expand);
  const expanded = hasExpansion(block) ? list.conv(`${name}_expand`, own, wide, { ...point, act }) : own;
  const mixed = kernel === 0 ? expanded : list.depthwise(`${name}_depthwise`, expanded, { kernel, stride, act });
  const scaled = list.squeezeExcite(`${name}_se`, mixed, se);
  return list.residual(name, x, list.conv(`${name}_project`, scaled, filters, point), stride);
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
  const { filters, kernel, stride, act, se } = block;
  const filtered = list.depthwise(`${name}_dw`, x, { kernel, stride, act });
  const scaled = list.squeezeExcite(`${name}_se`, filtered, se);
  return list.conv(`${name}_pw`, scaled, filters, { ...point, act });
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

/** The swish of 1.7 times x is nearly 1.7 times the GELU of x: after a norm, swish alone is nearly linear. */
const pooledScale = 1.7;

function pooled(list: LayerList, name: string, x: number, { filters, kernel, stride, act }: PooledBlock): number {
  const mixed = list.bareConv(name, x, filters, { kernel, stride: 1, identity: true });
  return list.norm(
    name,
    stride === 1 ? mixed : list.maxPool(`${name}_pool`, mixed, { kernel: 2, stride, padding: 'same' }),
    act,
    { scale: pooledScale },
  );
}

function reduction(list: LayerList, name: string, x: number, { filters }: ReductionBlock): number {
  const first = list.conv(`${name}_conv1`, list.preRelu(`${name}_relu`, x), filters, {
    kernel: 3,
    stride: 2,
    act: 'relu',
  });
  const second = list.conv(`${name}_conv2`, first, filters, { kernel: 3, stride: 1, act: null });
  const halved = list.avgPool(`${name}_pool`, x, 2, 2);
  const shortcut = list.bareConv(`${name}_shortcut`, halved, filters, { kernel: 1, stride: 1 });
  return list.sum(`${name}_add`, [second, shortcut]);
}

/** Appends the layers of a block. @returns the position of its result */
export function appendBlock(list: LayerList, name: string, x: number, block: Block): number {
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
  const { stride, deepest, width, depth, act, se = 0 } = head;
  const mapAt = (own: number): number => {
    const map = maps.get(own);
    if (map === undefined) throw new Error(`the network has no map of stride ${own}, which its head reads`);
    return list.conv(`head_neck${own}`, map, width, point);
  };
  let y = list.squeezeExcite('head_se', mapAt(deepest), se);
  for (let own = deepest / 2; own >= stride; own /= 2) {
    const map = mapAt(own);
    const doubled = list.add('upsample', `head_upsample${own}`, [y], list.shape(map), {});
    y = list.same('add', `head_add${own}`, [map, doubled], {});
  }
  y = list.same('activation', 'head_act', [y], { act });
  for (let i = 1; i <= depth; i++) y = list.conv(`head_tower${i}`, y, width, { kernel: 3, stride: 1, act });
  const [rows, columns] = list.shape(y);
  const task = mapTaskOf(head);
  list.add('detections', 'head_outputs', [y], [rows, columns, classes + boxValues[task]], { stride, task });
}

function beforePooling(list: LayerList, x: number, { filters, act, norm }: Head): number {
  if (filters > 0) return list.conv('head', x, filters, { ...point, act });
  return norm === true ? list.norm('head', x, act) : x;
}

/** Appends the layers before the blocks. @returns the position of their result */
export function appendStem(list: LayerList, { input, stem }: Network): number {
  const x = list.conv('stem', list.add('input', 'input', [], input, {}), stem.filters, stem);
  return stem.pool === undefined ? x : list.maxPool('stem_pool', x, list.padded({ kernel: stem.pool, stride: 2 }));
}

/** Appends the layers after the blocks. @param maps the last map of each stride, which detectors read */
export function appendHead(
  list: LayerList,
  x: number,
  { head, classes }: Pick<Network, 'head' | 'classes'>,
  maps: ReadonlyMap<number, number>,
): void {
  if ('kind' in head) {
    detectionLayers(list, maps, head, classes);
    return;
  }
  let y = list.pool('head_pool', beforePooling(list, x, head));
  if (head.hidden !== undefined) {
    y = list.dense('head_hidden', y, head.hidden);
    y = list.same('activation', 'head_hidden_act', [y], { act: head.act });
  }
  if (head.dropout > 0) y = list.same('dropout', 'head_dropout', [y], { rate: head.dropout });
  list.dense('logits', y, classes);
}
