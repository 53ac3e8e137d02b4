import {
  cellNotation,
  costs,
  expandedWidth,
  hasExpansion,
  kernelsText,
  layersOf,
  mapTaskOf,
  outputShape,
  type Block,
  type FusedMBConv,
  type LayerCost,
  type MBConv,
  type Network,
  type SeparableBlock,
  type Shape,
} from '../../spaces/index.js';
import type { NetworkPart } from './data.js';

const strided = (stride: number): string => (stride === 1 ? '' : `, stride ${stride}`);

const window = (kernel: number, stride: number): string => `${kernel} x ${kernel}${strided(stride)}`;

const names = {
  mbconv: 'inverted residual',
  fused_mbconv: 'fused inverted residual',
  separable: 'separable convolution',
} as const;

function factored(block: MBConv | FusedMBConv | SeparableBlock, channels: number): string {
  const isExpanded = 'expand' in block && hasExpansion(block);
  const expansion = isExpanded ? `, expanded to ${expandedWidth(channels, block.expand)}` : '';
  const groups = 'groups' in block && block.groups !== undefined && block.groups > 1 ? `, ${block.groups} groups` : '';
  const squeeze = block.se > 0 ? ', squeeze-excite' : '';
  return `${names[block.kind]}, ${kernelsText(block, window)}${expansion}${groups}${squeeze}, ${block.act}`;
}

/** Text of a block's operation on an input of `channels` channels. */
function operationOf(block: Block, channels: number): string {
  switch (block.kind) {
    case 'mbconv':
    case 'fused_mbconv':
    case 'separable':
      return factored(block, channels);
    case 'basic':
    case 'bottleneck':
      return `${block.kind} block, ${window(block.kernel, block.stride)}${block.hidden === undefined ? '' : `, ${block.hidden} hidden`}, ${block.act}`;
    case 'pooled':
      return `convolution and max pool, ${window(block.kernel, block.stride)}, ${block.act}`;
    case 'conv':
      return `convolution, ${window(block.kernel, block.stride)}, ${block.act}`;
    case 'cell':
      return `cell ${cellNotation(block.cell)}`;
    case 'reduction':
      return 'residual block, 3 x 3, stride 2, relu';
  }
}

function windowOf(block: Block): Pick<NetworkPart, 'kernel' | 'stride'> {
  switch (block.kind) {
    case 'cell':
      return { kernel: null, stride: null };
    case 'reduction':
      return { kernel: 3, stride: 2 };
    case 'mbconv':
      return { kernel: block.kernel || (block.before ?? null), stride: block.stride };
    default:
      return { kernel: block.kernel, stride: block.stride };
  }
}

function headText(head: Network['head']): string {
  if ('kind' in head) {
    const { stride, deepest, depth, act, width, se } = head;
    const sum = deepest > stride ? ` and sum of the maps up to stride ${deepest}` : '';
    const squeezed = se === undefined ? '' : ', squeeze-excite';
    const answers = mapTaskOf(head) === 'detection' ? 'classes and boxes' : 'classes';
    return `convolutions 1 x 1 to ${width}${squeezed}${sum}, ${depth} convolutions 3 x 3, ${act}, ${answers} at stride ${stride}`;
  }
  const convolution = head.filters > 0 ? `convolution 1 x 1 to ${head.filters}, ${head.act}, ` : '';
  const norm = head.filters === 0 && head.norm === true ? `batch norm, ${head.act}, ` : '';
  const hidden = head.hidden === undefined ? '' : `dense ${head.hidden}, ${head.act}, `;
  const dropout = head.dropout > 0 ? `dropout ${head.dropout}, ` : '';
  return `${convolution}${norm}average pooling, ${hidden}${dropout}dense`;
}

/** Stem, blocks and head. A part costs the sum of the layers whose names start with its name. */
export function partsOf(network: Network): NetworkPart[] {
  const { stem, blocks, head } = network;
  const layers = layersOf(network);
  const layerCosts = costs(network).layers;
  const isOf = (part: string, name: string): boolean => name === part || name.startsWith(`${part}_`);
  const sum = (part: string, of: (layer: LayerCost) => number): number =>
    layerCosts.filter(({ name }) => isOf(part, name)).reduce((a, layer) => a + of(layer), 0);
  const part = (name: string, rest: Omit<NetworkPart, 'name' | 'macs' | 'params'>): NetworkPart => ({
    name,
    ...rest,
    macs: sum(name, ({ macs }) => macs),
    params: sum(name, ({ params }) => params),
  });
  let shape: Shape = network.input;
  const mapPart = (name: string, rest: Omit<NetworkPart, 'name' | 'output' | 'macs' | 'params'>): NetworkPart => {
    shape = layers.findLast((layer) => isOf(name, layer.name))?.output ?? shape;
    return part(name, { ...rest, output: shape });
  };
  const act = stem.act === null ? '' : `, ${stem.act}`;
  const { kernel, stride } = stem;
  const first = `convolution ${kernel} x ${kernel}${strided(stride)}${act}`;
  const parts = [mapPart('stem', { kind: 'stem', operation: first, kernel, stride })];
  for (const [i, block] of blocks.entries()) {
    const operation = operationOf(block, shape[2]);
    parts.push(mapPart(`block${i + 1}`, { kind: block.kind, operation, ...windowOf(block) }));
  }
  return [
    ...parts,
    part('head', { kind: 'head', operation: headText(head), output: outputShape(network), kernel: null, stride: null }),
  ];
}
