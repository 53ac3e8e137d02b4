import { cellNotation } from './cells/nasbench201.js';
import { costs } from './costs.js';
import { layersOf } from './layers.js';
import type { BasicBlock, Block, ConvBlock, FusedMBConv, MBConv, Network } from './network.js';

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

function describePlain(block: BasicBlock | ConvBlock): string {
  const { kind, kernel, stride, filters, act } = block;
  const hidden = block.kind === 'basic' && block.hidden !== undefined ? `, ${block.hidden} hidden` : '';
  return `${kind} ${conv(kernel, stride)}${hidden}, ${filters} channels, ${act}`;
}

function describeInverted(block: MBConv | FusedMBConv): string {
  const { kind, kernel, stride, expand, filters, se, act } = block;
  const groups = block.kind === 'mbconv' && (block.groups ?? 1) > 1 ? `, ${block.groups} groups` : '';
  const squeezed = se === 0 ? '' : `, squeeze-excite ${ratio(se)}`;
  return `${kind} ${conv(kernel, stride)}, expand ${ratio(expand)}${groups}, ${filters} channels${squeezed}, ${act}`;
}

function describeBlock(block: Block): string {
  switch (block.kind) {
    case 'mbconv':
    case 'fused_mbconv':
      return describeInverted(block);
    case 'basic':
    case 'conv':
      return describePlain(block);
    case 'cell':
      return `cell ${cellNotation(block.cell)}`;
    case 'reduction':
      return `reduction ${conv(3, 2)}, ${block.filters} channels`;
  }
}

/** Lines that say the same one after the other, once: `block2-3`. */
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

/** A network in a few lines for people: costs, stem, blocks (equal neighbours on one line), head. */
export function describeNetwork(network: Network): string {
  const { input, classes, stem, blocks, head } = network;
  const { macs, params, activationBytes } = costs(network);
  const pooled = layersOf(network).find(({ kind, name }) => kind === 'global_pool' && name === 'head_pool');
  const map = pooled === undefined ? '' : `${pooled.input[0]} x ${pooled.input[1]} map, `;
  const last = [
    ...(head.filters > 0 ? [`conv 1x1, ${head.filters} channels, ${head.act}`] : []),
    ...(head.filters === 0 && head.norm === true ? [`batch norm, ${head.act}`] : []),
    'average pool',
    ...(head.hidden === undefined ? [] : [`dense ${head.hidden}, ${head.act}`]),
    ...(head.dropout === 0 ? [] : [`dropout ${head.dropout}`]),
    `dense ${classes}`,
  ];
  return [
    `${input.join(' x ')} to ${classes} classes: ${short(macs, ' MACs')}, ${short(params, ' parameters')}, ` +
      `${short(activationBytes, 'B', binary)} of activations`,
    `stem: conv ${conv(stem.kernel, stem.stride)}, ${stem.filters} channels${stem.act === null ? '' : `, ${stem.act}`}`,
    ...grouped(blocks),
    `head: ${map}${last.join(', ')}`,
  ].join('\n');
}
