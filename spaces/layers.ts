import { cellLayers } from './cells/layers.js';
import type { Layer } from './layer.js';
import { LayerList } from './layer-list.js';
import type { BasicBlock, Block, ConvBlock, FusedMBConv, Head, MBConv, Network, ReductionBlock } from './network.js';
import { expandedWidth } from './network.js';

function mbconv(list: LayerList, name: string, x: number, block: MBConv): number {
  const { filters, kernel, stride, act, expand, se, groups = 1 } = block;
  const wide = expandedWidth(list.shape(x)[2], expand);
  const kept = expand === 1 && block.groups === undefined;
  const expanded = kept ? x : list.pointwise(`${name}_expand`, x, wide, groups, act);
  const shuffled = groups === 1 ? expanded : list.same('shuffle', `${name}_shuffle`, [expanded], { groups });
  const mixed = list.depthwise(`${name}_depthwise`, shuffled, kernel, stride, act);
  const scaled = list.squeezeExcite(`${name}_se`, mixed, se);
  return list.residual(name, x, list.pointwise(`${name}_project`, scaled, filters, groups, null), stride);
}

function fusedMBConv(list: LayerList, name: string, x: number, block: FusedMBConv): number {
  const { filters, kernel, stride, act, expand, se } = block;
  const wide = expand === 1 ? filters : expandedWidth(list.shape(x)[2], expand);
  const expanded = list.conv(`${name}_fused`, x, wide, kernel, stride, act);
  const scaled = list.squeezeExcite(`${name}_se`, expanded, se);
  const projected = expand === 1 ? scaled : list.conv(`${name}_project`, scaled, filters, 1, 1, null);
  return list.residual(name, x, projected, stride);
}

function basicBlock(list: LayerList, name: string, x: number, block: BasicBlock): number {
  const { filters, kernel, stride, act, hidden = filters } = block;
  const first = list.conv(`${name}_conv1`, x, hidden, kernel, stride, act);
  const second = list.conv(`${name}_conv2`, first, filters, kernel, 1, null);
  const kept = stride === 1 && list.shape(x)[2] === filters;
  const shortcut = kept ? x : list.conv(`${name}_shortcut`, x, filters, 1, stride, null);
  const sum = list.same('add', `${name}_add`, [second, shortcut], {});
  return list.same('activation', `${name}_act`, [sum], { act });
}

const convBlock = (list: LayerList, name: string, x: number, block: ConvBlock): number =>
  list.conv(name, x, block.filters, block.kernel, block.stride, block.act);

function reduction(list: LayerList, name: string, x: number, { filters }: ReductionBlock): number {
  const first = list.conv(`${name}_conv1`, list.preRelu(`${name}_relu`, x), filters, 3, 2, 'relu');
  const second = list.conv(`${name}_conv2`, first, filters, 3, 1, null);
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
    case 'basic':
      return basicBlock(list, name, x, block);
    case 'conv':
      return convBlock(list, name, x, block);
    case 'cell':
      return cellLayers(list, name, x, block.cell);
    case 'reduction':
      return reduction(list, name, x, block);
  }
}

function beforePooling(list: LayerList, x: number, { filters, act, norm }: Head): number {
  if (filters > 0) return list.conv('head', x, filters, 1, 1, act);
  return norm === true ? list.norm('head', x, act) : x;
}

/**
 * The primitive layers of a network in the order they run, the input first and the logits last: the single source for
 * costs, latency features, weights and what `apply` computes. Blocks are numbered from 1 (`block1_expand`).
 */
export function layersOf(network: Network): Layer[] {
  const { input, classes, stem, blocks, head } = network;
  const list = new LayerList();
  let x = list.add('input', 'input', [], input, {});
  x = list.conv('stem', x, stem.filters, stem.kernel, stem.stride, stem.act);
  for (const [i, block] of blocks.entries()) x = appendBlock(list, `block${i + 1}`, x, block);
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
