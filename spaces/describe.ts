import { cellNotation } from './cells.js';
import { costs, partCosts } from './costs.js';
import type { Layer } from './layers.js';
import { layersOf, type Part, partsOf } from './parts.js';
import {
  type BasicBlock,
  type BottleneckBlock,
  type Block,
  type ConvBlock,
  type FusedMBConv,
  type MBConv,
  type PooledBlock,
  type Network,
  mapTaskOf,
  outputShape,
  type SeparableBlock,
  type Style,
} from './network.js';

type Prefixes = readonly (readonly [least: number, prefix: string])[];

const decimal: Prefixes = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];
const binary: Prefixes = [
  [2 ** 30, 'Gi'],
  [2 ** 20, 'Mi'],
  [2 ** 10, 'Ki'],
];

/** Three digits and a prefix before the unit: 56.5 M MACs, 812 KiB. */
function short(value: number, unit: string, prefixes = decimal): string {
  const [size, prefix] = prefixes.find(([least]) => value >= least) ?? [1, ''];
  return `${Number((value / size).toPrecision(3))} ${`${prefix}${unit}`.trim()}`;
}

const ratio = (value: number): string => `${Number(value.toFixed(3))}`;
const conv = (kernel: number, stride: number): string => `${kernel}x${kernel}${stride === 1 ? '' : `/${stride}`}`;

function describePlain(block: BasicBlock | BottleneckBlock | ConvBlock | PooledBlock): string {
  const { kind, kernel, stride, filters, act } = block;
  const hidden = 'hidden' in block && block.hidden !== undefined ? `, ${block.hidden} hidden` : '';
  return `${kind} ${conv(kernel, stride)}${hidden}, ${filters} channels, ${act}`;
}

/** The kernels of a block: of an inverted residual those before and between its 1x1 convolutions. */
export function kernelsText(block: Exclude<Block, { kind: 'cell' | 'reduction' }>, text: typeof conv): string {
  const { kernel, stride } = block;
  const before = block.kind === 'mbconv' ? block.before : undefined;
  const first = before === undefined ? [] : [`${text(before, kernel === 0 ? stride : 1)} before`];
  return [...first, ...(kernel === 0 ? [] : [text(kernel, stride)])].join(', ') || 'without depthwise';
}

function describeInverted(block: MBConv | FusedMBConv | SeparableBlock): string {
  const { kind, filters, se, act } = block;
  const expansion = block.kind === 'separable' ? '' : `, expand ${ratio(block.expand)}`;
  const groups = 'groups' in block && block.groups !== undefined && block.groups > 1 ? `, ${block.groups} groups` : '';
  const squeezed = se === 0 ? '' : `, squeeze-excite ${ratio(se)}`;
  return `${kind} ${kernelsText(block, conv)}${expansion}${groups}, ${filters} channels${squeezed}, ${act}`;
}

function describeBlock(block: Block): string {
  switch (block.kind) {
    case 'mbconv':
    case 'fused_mbconv':
    case 'separable':
      return describeInverted(block);
    case 'basic':
    case 'bottleneck':
    case 'conv':
    case 'pooled':
      return describePlain(block);
    case 'cell':
      return `cell ${cellNotation(block.cell)}`;
    case 'reduction':
      return `reduction ${conv(3, 2)}, ${block.filters} channels`;
  }
}

/** Joins equal neighbours into one line: `block2-3`. */
function grouped(blocks: readonly Block[]): string[] {
  const groups: { text: string; first: number; last: number }[] = [];
  for (const [i, block] of blocks.entries()) {
    const text = describeBlock(block);
    const previous = groups.at(-1);
    if (previous?.text === text) previous.last = i + 1;
    else groups.push({ text, first: i + 1, last: i + 1 });
  }
  return groups.map(({ text, first, last }) => `block${first === last ? first : `${first}-${last}`}: ${text}`);
}

/** The details that differ from our own style: `epsilon 0.00001, padding symmetric`. */
const described = (style: Partial<Style>): string =>
  Object.entries(style)
    .map(([field, value]) => `${field} ${value}`)
    .join(', ');

const mapWords = { detection: 'boxes', centroids: 'centroids', segmentation: 'classes of pixels' } as const;

/** The layers after the blocks: `7 x 7 map, conv 1x1, 160 channels, relu, average pool, dense 10`. */
function headText(network: Network): string {
  const { head, classes } = network;
  if ('kind' in head) {
    const [rows, columns] = outputShape(network);
    const fused = head.deepest === head.stride ? '' : `, maps up to stride ${head.deepest} added`;
    const squeezed = head.se === undefined ? '' : `, squeeze-excite ${ratio(head.se)}`;
    return `${rows} x ${columns} map of stride ${head.stride}${fused}${squeezed}, ${head.width} channels, ${head.depth} x conv 3x3, ${head.act}, ${mapWords[mapTaskOf(head)]}`;
  }
  const pooled = layersOf(network).find(({ name }) => name === 'head_pool');
  const map = pooled === undefined ? '' : `${pooled.input[0]} x ${pooled.input[1]} map, `;
  const last = [
    ...(head.filters > 0 ? [`conv 1x1, ${head.filters} channels, ${head.act}`] : []),
    ...(head.filters === 0 && head.norm === true ? [`batch norm, ${head.act}`] : []),
    'average pool',
    ...(head.hidden === undefined ? [] : [`dense ${head.hidden}, ${head.act}`]),
    ...(head.dropout === 0 ? [] : [`dropout ${head.dropout}`]),
    `dense ${classes}`,
  ];
  return `${map}${last.join(', ')}`;
}

/** Describes a network in a few lines for people: costs, stem, blocks (equal neighbours on one line), head, style. */
export function describeNetwork(network: Network): string {
  const { input, classes, stem, blocks, style = {} } = network;
  const { macs, params, activationBytes } = costs(network);
  return [
    `${input.join(' x ')} to ${classes} classes: ${short(macs, ' MACs')}, ${short(params, ' parameters')}, ` +
      `${short(activationBytes, 'B', binary)} of activations`,
    `stem: conv ${conv(stem.kernel, stem.stride)}, ${stem.filters} channels${stem.act === null ? '' : `, ${stem.act}`}${stem.pool === undefined ? '' : `, max pool ${conv(stem.pool, 2)}`}`,
    ...grouped(blocks),
    `head: ${headText(network)}`,
    ...(Object.keys(style).length === 0 ? [] : [`style: ${described(style)}`]),
  ].join('\n');
}

/** Feature maps are grouped by how often the image's height has been halved. */
const levels = 5;

/** Averages over the convolutions of one kind, weighted by multiply-accumulates. */
class Weighted {
  private macs = 0;
  private readonly sums = { kernel: 0, channels: 0, growth: 0 };
  count = 0;

  add({ macs, kernel, channels, growth }: Convolution): void {
    this.count++;
    this.macs += macs;
    this.sums.kernel += kernel;
    this.sums.channels += channels;
    this.sums.growth += growth;
  }

  /** Number, mean kernel, mean log2 of the output channels, mean log2 of output by input channels. */
  features(): number[] {
    const total = this.macs || 1;
    return [this.count, this.sums.kernel / total, this.sums.channels / total, this.sums.growth / total];
  }
}

/** A convolution: its multiply-accumulates, and other values times them. */
interface Convolution {
  readonly isDepthwise: boolean;
  readonly height: number;
  readonly macs: number;
  readonly kernel: number;
  readonly channels: number;
  readonly growth: number;
}

/** What the features of a network need of a part. */
function partFeatures(part: Part) {
  const { layers } = part;
  const { layers: each } = part.of(partCosts);
  const convolutions = layers.flatMap((layer, i): Convolution[] => {
    if (layer.kind !== 'conv' && layer.kind !== 'depthwise') return [];
    const { kind, kernel, input, output } = layer;
    const { macs } = each[i];
    const [channels, growth] = [macs * Math.log2(output[2]), macs * Math.log2(output[2] / input[2])];
    return [{ isDepthwise: kind === 'depthwise', height: output[0], macs, kernel: macs * kernel, channels, growth }];
  });
  const count = (kind: Layer['kind']): number => layers.reduce((sum, layer) => sum + (layer.kind === kind ? 1 : 0), 0);
  const logits = layers.findLast(({ kind }) => kind === 'dense' || kind === 'detections');
  return {
    convolutions,
    counts: [count('add'), count('multiply'), count('avg_pool')],
    logits: Math.log2(1 + (logits?.input[2] ?? 0)),
  };
}

/**
 * A fixed number of features of a network: size (logarithms of multiply-accumulates, parameters, memory and input),
 * numbers, kernels and widths of convolutions, residual sums and gates, and the distribution of work over resolutions.
 */
export function networkFeatures(network: Network): number[] {
  const parts = partsOf(network).map((part) => part.of(partFeatures));
  const total = costs(network);
  const [height] = network.input;
  const [full, depthwise] = [new Weighted(), new Weighted()];
  const work = new Float64Array(levels);
  const depth = new Float64Array(levels);
  for (const { convolutions } of parts)
    for (const one of convolutions) {
      (one.isDepthwise ? depthwise : full).add(one);
      const level = Math.min(levels - 1, Math.max(0, Math.round(Math.log2(height / one.height))));
      work[level] += one.macs / Math.max(1, total.macs);
      depth[level]++;
    }
  return [
    ...[total.macs, total.params, total.activationBytes, total.trafficBytes, height].map((value) =>
      Math.log(1 + value),
    ),
    ...full.features(),
    ...depthwise.features(),
    ...work,
    ...depth,
    ...[0, 1, 2].map((kind) => parts.reduce((sum, { counts }) => sum + counts[kind], 0)),
    parts[parts.length - 1].logits,
  ];
}
