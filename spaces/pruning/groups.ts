import { applyRule, headsOf, type Layer, type LayerTable } from '../layers.js';
import { layersOf } from '../parts.js';
import { type Block, hasExpansion, type Network } from '../network.js';

/** An axis of a weight with one entry for each channel of a group. */
export interface WeightAxis {
  /** Of the weight: `block1_expand/kernel`. */
  readonly weight: string;
  readonly axis: number;
  /** Whether the weight's values make, normalise or read the channels. */
  readonly role: 'makes' | 'normalises' | 'reads';
}

/** Channels that must be cut together, because they are added, multiplied or filtered one by one. */
export interface ChannelGroup {
  /** The first layer that makes the channels: `stem`, `block3_expand`, `block3_se_reduce`. */
  readonly name: string;
  readonly width: number;
  readonly axes: readonly WeightAxis[];
}

/** How a kind of layer uses channels. */
interface Channels {
  /** Whether the output has the channels of the inputs; otherwise the layer makes new ones. */
  readonly kept: boolean;
  /** Whether the number of output channels is fixed, or of inputs, too. */
  readonly fixed?: 'output' | 'all';
  /** Axes of its weights that belong to input and output channels. */
  readonly input?: readonly WeightAxis[];
  readonly output?: readonly WeightAxis[];
}

const keeps = (): Channels => ({ kept: true });

/** A layer with a kernel that reads all input channels and makes new ones. */
const mixes = (layer: string, axis: number, further: readonly WeightAxis[] = []): Channels => ({
  kept: false,
  input: [{ weight: `${layer}/kernel`, axis, role: 'reads' }],
  output: [{ weight: `${layer}/kernel`, axis: axis + 1, role: 'makes' }, ...further],
});

const vector = (weight: string, role: WeightAxis['role']): WeightAxis => ({ weight, axis: 0, role });

const rules: LayerTable<Channels> = {
  input: () => ({ kept: false, fixed: 'output' }),
  // All groups of a grouped convolution would have to lose equally many channels.
  conv: ({ name, groups }) => (groups === undefined ? mixes(name, 2) : { kept: false, fixed: 'all' }),
  depthwise: ({ name }) => ({
    kept: true,
    output: [{ weight: `${name}/depthwise_kernel`, axis: 2, role: 'makes' }],
  }),
  batch_norm: ({ name }) => ({
    kept: true,
    output: ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((own) => vector(`${name}/${own}`, 'normalises')),
  }),
  activation: keeps,
  avg_pool: keeps,
  max_pool: keeps,
  global_pool: keeps,
  dense: ({ name }) => ({
    ...mixes(name, 0, [vector(`${name}/bias`, 'makes')]),
    // The channels of the last layer are the classes.
    ...(name === 'logits' ? { fixed: 'output' } : {}),
  }),
  dropout: keeps,
  add: keeps,
  multiply: keeps,
  zero: keeps,
  upsample: keeps,
  detections: (layer) => ({
    kept: false,
    fixed: 'output',
    input: headsOf(layer).map(([name]) => ({ weight: `${name}/kernel`, axis: 0, role: 'reads' })),
  }),
};

/** Whether a layer belongs to a block whose description has no width: the block's channels cannot change. */
function isRigid({ blocks }: Network, { name }: Layer): boolean {
  const number = /^block(\d+)_/.exec(name)?.[1];
  const kind = number === undefined ? undefined : blocks[Number(number) - 1].kind;
  return kind === 'cell' || kind === 'reduction';
}

/** Whether a layer makes the channels of a detection head, which has one width. */
const isOfDetectionHead = ({ kind, name }: Layer): boolean => kind === 'conv' && /^head_(neck|tower)\d+$/.test(name);

/** Disjoint sets of positions; the smallest position represents its set. */
class Sets {
  private readonly parents: number[];

  constructor(size: number) {
    this.parents = Array.from({ length: size }, (_, i) => i);
  }

  of(position: number): number {
    const parent = this.parents[position];
    return parent === position ? position : this.of(parent);
  }

  join(a: number, b: number): void {
    const [first, second] = [this.of(a), this.of(b)];
    this.parents[Math.max(first, second)] = Math.min(first, second);
  }
}

/**
 * The channel groups of a network that can be cut, in the order in which layers make them: hidden widths of blocks and of
 * squeeze-excite, channels coupled by residuals, stem and head. Channels of grouped convolutions, cells, images,
 * classes and boxes are fixed.
 */
export function channelGroups(network: Network): ChannelGroup[] {
  const layers = layersOf(network);
  const channels = layers.map((layer) => applyRule(rules, layer));
  const sets = new Sets(layers.length);
  for (const [i, { inputs }] of layers.entries()) if (channels[i].kept) for (const j of inputs) sets.join(i, j);
  const ofHead = [...layers.keys()].filter((i) => isOfDetectionHead(layers[i]));
  for (const i of ofHead) sets.join(ofHead[0], i);
  const fixed = new Set<number>();
  const axes = new Map<number, WeightAxis[]>();
  const add = (position: number, own: readonly WeightAxis[] = []): void => {
    const set = sets.of(position);
    axes.set(set, [...(axes.get(set) ?? []), ...own]);
  };
  for (const [i, layer] of layers.entries()) {
    const { input, output } = channels[i];
    const keepsNumber = isRigid(network, layer) ? 'all' : channels[i].fixed;
    if (keepsNumber !== undefined) fixed.add(sets.of(i));
    if (keepsNumber === 'all') for (const j of layer.inputs) fixed.add(sets.of(j));
    add(i, output);
    for (const j of input === undefined ? [] : layer.inputs) add(j, input);
  }
  return [...axes]
    .filter(([set]) => !fixed.has(set))
    .map(([set, own]) => ({ name: layers[set].name, width: layers[set].output[2], axes: own }));
}

/** Widths by group name. Groups without an entry keep their width. */
export type Widths = ReadonlyMap<string, number>;

/** The new width of a convolution or dense layer by name. */
type WidthOf = (layer: string) => number;

/** The ratio that describes a width inside a block; `expandedWidth` and `squeezeWidth` return the width exactly. */
const ratio = (width: number, channels: number): number => width / channels;

/** A block with new widths. @param channels number of input channels */
function withWidths(block: Block, name: string, channels: number, widthOf: WidthOf): Block {
  const squeezed = (se: number, wide: number): number => (se === 0 ? 0 : ratio(widthOf(`${name}_se_reduce`), wide));
  switch (block.kind) {
    case 'mbconv': {
      const filters = widthOf(`${name}_project`);
      const wide = hasExpansion(block) ? widthOf(`${name}_expand`) : channels;
      return { ...block, filters, expand: ratio(wide, channels), se: squeezed(block.se, wide) };
    }
    case 'separable':
      return { ...block, filters: widthOf(`${name}_pw`), se: squeezed(block.se, channels) };
    case 'fused_mbconv': {
      const wide = widthOf(`${name}_fused`);
      const filters = block.expand === 1 ? wide : widthOf(`${name}_project`);
      const expand = block.expand === 1 ? 1 : ratio(wide, channels);
      return { ...block, filters, expand, se: squeezed(block.se, wide) };
    }
    case 'basic': {
      const [hidden, filters] = [widthOf(`${name}_conv1`), widthOf(`${name}_conv2`)];
      const { kind, kernel, stride, act } = block;
      return { kind, filters, kernel, stride, act, ...(hidden === filters ? {} : { hidden }) };
    }
    case 'bottleneck': {
      const [hidden, middle, filters] = [1, 2, 3].map((i) => widthOf(`${name}_conv${i}`));
      const { kind, kernel, stride, act } = block;
      return { kind, filters, kernel, stride, act, hidden, ...(middle === hidden ? {} : { middle }) };
    }
    case 'conv':
    case 'pooled':
      return { ...block, filters: widthOf(name) };
    case 'cell':
    case 'reduction':
      return block;
  }
}

const withHeadWidths = (head: Network['head'], widthOf: WidthOf): Network['head'] =>
  'kind' in head
    ? {
        ...head,
        width: widthOf(`head_neck${head.deepest}`),
        ...(head.se !== undefined && { se: ratio(widthOf('head_se_reduce'), widthOf(`head_neck${head.deepest}`)) }),
      }
    : {
        ...head,
        filters: head.filters === 0 ? 0 : widthOf('head'),
        ...(head.hidden === undefined ? {} : { hidden: widthOf('head_hidden') }),
      };

/** Kinds, names and inputs of all layers. */
const structure = (network: Network): string =>
  layersOf(network)
    .map(({ kind, name, inputs }) => `${kind} ${name} ${inputs.join()}`)
    .join('; ');

/**
 * The network with other widths: the same layers with other numbers of channels.
 *
 * Null when the widths cannot be described: a stride-1 block without residual would get one if its input and output
 * became equally wide, and a hidden width equal to the input's would mean no expansion.
 *
 * @param widths at least 1
 * @param groups of the network
 */
export function shrinkNetwork(network: Network, widths: Widths, groups = channelGroups(network)): Network | null {
  const asked = ({ name, width }: ChannelGroup): number => widths.get(name) ?? width;
  const made = new Map<string, number>();
  for (const { name, output } of layersOf(network)) made.set(`${name}/kernel`, output[2]);
  for (const group of groups)
    for (const { weight, role } of group.axes) if (role === 'makes') made.set(weight, asked(group));
  const widthOf: WidthOf = (layer) => made.get(`${layer}/kernel`) ?? fail(layer);

  const { stem, blocks } = network;
  const cutStem = { ...stem, filters: widthOf('stem') };
  const cutBlocks: Block[] = [];
  let channels = cutStem.filters;
  for (const [i, block] of blocks.entries()) {
    const cut = withWidths(block, `block${i + 1}`, channels, widthOf);
    cutBlocks.push(cut);
    if (cut.kind !== 'cell') channels = cut.filters;
  }
  const cut: Network = {
    ...network,
    stem: cutStem,
    blocks: cutBlocks,
    head: withHeadWidths(network.head, widthOf),
  };
  const isMeant =
    structure(cut) === structure(network) && channelGroups(cut).every(({ width }, i) => width === asked(groups[i]));
  return isMeant ? cut : null;
}

function fail(layer: string): never {
  throw new Error(`there is no layer ${layer}`);
}
