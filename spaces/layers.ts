import type { Layer, LayerActivation, LayerKind, LayerOf, LayerParameters, Shape } from './layer.js';
import type { BasicBlock, Block, FusedMBConv, MBConv, Network } from './network.js';
import { expandedWidth, squeezeWidth } from './network.js';

/** Appends layers to a list; each method returns the position of the last layer it added. */
class LayerList {
  readonly layers: Layer[] = [];

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
    const y = this.same('batch_norm', `${name}_bn`, [x], {});
    return act === null ? y : this.same('activation', `${name}_act`, [y], { act });
  }

  conv(name: string, x: number, filters: number, kernel: number, stride: 1 | 2, act: LayerActivation | null): number {
    const [height, width] = strided(this.shape(x), stride);
    return this.norm(name, this.add('conv', name, [x], [height, width, filters], { kernel, stride }), act);
  }

  depthwise(name: string, x: number, kernel: number, stride: 1 | 2, act: LayerActivation): number {
    return this.norm(name, this.add('depthwise', name, [x], strided(this.shape(x), stride), { kernel, stride }), act);
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
    const hidden = this.same('activation', `${name}_reduce_act`, [reduced], { act: 'relu' });
    const expanded = this.dense(`${name}_expand`, hidden, channels);
    const gate = this.same('activation', `${name}_gate`, [expanded], { act: 'hard_sigmoid' });
    return this.same('multiply', `${name}_scale`, [x, gate], {});
  }

  /** Adds the block's input when stride and width allow it. */
  residual(name: string, x: number, y: number, stride: number): number {
    return stride === 1 && this.shape(x)[2] === this.shape(y)[2] ? this.same('add', `${name}_add`, [y, x], {}) : y;
  }
}

/** 'same' padding: ceil(in / stride). */
const strided = ([height, width, channels]: Shape, stride: number): Shape => [
  Math.ceil(height / stride),
  Math.ceil(width / stride),
  channels,
];

function mbconv(list: LayerList, name: string, x: number, block: MBConv): number {
  const { filters, kernel, stride, act, expand, se } = block;
  const wide = expandedWidth(list.shape(x)[2], expand);
  const expanded = expand === 1 ? x : list.conv(`${name}_expand`, x, wide, 1, 1, act);
  const mixed = list.depthwise(`${name}_depthwise`, expanded, kernel, stride, act);
  const scaled = list.squeezeExcite(`${name}_se`, mixed, se);
  return list.residual(name, x, list.conv(`${name}_project`, scaled, filters, 1, 1, null), stride);
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
  const { filters, kernel, stride, act } = block;
  const first = list.conv(`${name}_conv1`, x, filters, kernel, stride, act);
  const second = list.conv(`${name}_conv2`, first, filters, kernel, 1, null);
  const kept = stride === 1 && list.shape(x)[2] === filters;
  const shortcut = kept ? x : list.conv(`${name}_shortcut`, x, filters, 1, stride, null);
  const sum = list.same('add', `${name}_add`, [second, shortcut], {});
  return list.same('activation', `${name}_act`, [sum], { act });
}

function appendBlock(list: LayerList, name: string, x: number, block: Block): number {
  switch (block.kind) {
    case 'mbconv':
      return mbconv(list, name, x, block);
    case 'fused_mbconv':
      return fusedMBConv(list, name, x, block);
    case 'basic':
      return basicBlock(list, name, x, block);
  }
}

/**
 * The primitive layers of a network in the order they run, the input first and the logits last: the single source for
 * costs, latency features and `toModel`. Blocks are numbered from 1 (`block1_expand`).
 */
export function layersOf(network: Network): Layer[] {
  const { input, classes, stem, blocks, head } = network;
  const list = new LayerList();
  let x = list.add('input', 'input', [], input, {});
  x = list.conv('stem', x, stem.filters, stem.kernel, stem.stride, stem.act);
  for (const [i, block] of blocks.entries()) x = appendBlock(list, `block${i + 1}`, x, block);
  if (head.filters > 0) x = list.conv('head', x, head.filters, 1, 1, head.act);
  x = list.pool('head_pool', x);
  if (head.hidden !== undefined) {
    x = list.dense('head_hidden', x, head.hidden);
    x = list.same('activation', 'head_hidden_act', [x], { act: head.act });
  }
  if (head.dropout > 0) x = list.same('dropout', 'head_dropout', [x], { rate: head.dropout });
  list.dense('logits', x, classes);
  return list.layers;
}
