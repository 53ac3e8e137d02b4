import { applyRule, type Layer, layersOf, type LayerTable } from '../layers.js';
import type { Block, Network } from '../network.js';

/** An axis of a weight that has one entry for each channel of a group. */
export interface WeightAxis {
  /** Of the weight: `block1_expand/kernel`. */
  readonly weight: string;
  readonly axis: number;
  /** What the weight has to do with the channels: its values make them, normalise them, or read them. */
  readonly role: 'makes' | 'normalises' | 'reads';
}

/** Channels that can only be cut together: those that are added, multiplied or filtered one by one. */
export interface ChannelGroup {
  /** The first layer that makes them: `stem`, `block3_expand`, `block3_se_reduce`. */
  readonly name: string;
  readonly width: number;
  readonly axes: readonly WeightAxis[];
}

/** What a kind of layer does with channels. */
interface Channels {
  /** Whether its output has the channels of its inputs; otherwise it makes new ones. */
  readonly kept: boolean;
  /** Whose number of channels cannot change: that of its output, or of its inputs, too. */
  readonly fixed?: 'output' | 'all';
  /** Axes of its weights by the channels that they belong to. */
  readonly input?: readonly WeightAxis[];
  readonly output?: readonly WeightAxis[];
}

const keeps = (): Channels => ({ kept: true });

/** A layer with a kernel that reads all channels of its input and makes new ones. */
const mixes = (layer: string, axis: number, further: readonly WeightAxis[] = []): Channels => ({
  kept: false,
  input: [{ weight: `${layer}/kernel`, axis, role: 'reads' }],
  output: [{ weight: `${layer}/kernel`, axis: axis + 1, role: 'makes' }, ...further],
});

const vector = (weight: string, role: WeightAxis['role']): WeightAxis => ({ weight, axis: 0, role });

const rules: LayerTable<Channels> = {
  input: () => ({ kept: false, fixed: 'output' }),
  // Cutting channels of a group of a convolution would have to cut as many of every other.
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
  global_pool: keeps,
  dense: ({ name }) => ({
    ...mixes(name, 0, [vector(`${name}/bias`, 'makes')]),
    // The last one's channels are the classes.
    ...(name === 'logits' ? { fixed: 'output' } : {}),
  }),
  dropout: keeps,
  add: keeps,
  multiply: keeps,
  shuffle: () => ({ kept: true, fixed: 'all' }),
  zero: keeps,
};

/** Blocks whose description has no width of its own: what they read and make keeps its width. */
function isRigid({ blocks }: Network, { name }: Layer): boolean {
  const number = /^block(\d+)_/.exec(name)?.[1];
  const kind = number === undefined ? undefined : blocks[Number(number) - 1].kind;
  return kind === 'cell' || kind === 'reduction';
}

/** Positions in sets that are joined one by one; the smallest position stands for its set. */
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
 * The groups of channels of a network that can be cut, in the order in which its layers make them: hidden widths of
 * blocks, those of squeeze-excite, what a stage's residuals couple, stem and head. Channels of grouped convolutions and
 * of cells are left as they are, and so are the images' channels and the classes.
 */
export function channelGroups(network: Network): ChannelGroup[] {
  const layers = layersOf(network);
  const channels = layers.map((layer) => applyRule(rules, layer));
  const sets = new Sets(layers.length);
  for (const [i, { inputs }] of layers.entries()) if (channels[i].kept) for (const j of inputs) sets.join(i, j);
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

/** Widths by the names of groups; a group that is not named keeps its own. */
export type Widths = ReadonlyMap<string, number>;

/** The width that a convolution or dense layer is to have, by its name; its own when its channels are not cut. */
type WidthOf = (layer: string) => number;

/** A width inside a block as the ratio that describes it; `expandedWidth` and `squeezeWidth` give it back exactly. */
const ratio = (width: number, channels: number): number => width / channels;

/** A block with new widths. @param channels that it is to read */
function withWidths(block: Block, name: string, channels: number, widthOf: WidthOf): Block {
  const squeezed = (se: number, wide: number): number => (se === 0 ? 0 : ratio(widthOf(`${name}_se_reduce`), wide));
  switch (block.kind) {
    case 'mbconv': {
      const filters = widthOf(`${name}_project`);
      const wide = block.expand === 1 ? channels : widthOf(`${name}_expand`);
      const expand = block.expand === 1 ? 1 : ratio(wide, channels);
      return { ...block, filters, expand, se: squeezed(block.se, wide) };
    }
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
    case 'conv':
      return { ...block, filters: widthOf(name) };
    case 'cell':
    case 'reduction':
      return block;
  }
}

/** Layers by kind and name, and what they read. */
const structure = (network: Network): string =>
  layersOf(network)
    .map(({ kind, name, inputs }) => `${kind} ${name} ${inputs.join()}`)
    .join('; ');

/**
 * The network with other widths: the same layers with other numbers of channels.
 *
 * Null when no description of a network means that: where a block of stride 1 reads and makes different channels, equal
 * widths would make a residual of it, and a hidden width equal to that of the input would be no expansion.
 *
 * @param widths at least 1
 * @param groups those of the network
 */
export function shrinkNetwork(network: Network, widths: Widths, groups = channelGroups(network)): Network | null {
  const asked = ({ name, width }: ChannelGroup): number => widths.get(name) ?? width;
  const made = new Map<string, number>();
  for (const { name, output } of layersOf(network)) made.set(`${name}/kernel`, output[2]);
  for (const group of groups)
    for (const { weight, role } of group.axes) if (role === 'makes') made.set(weight, asked(group));
  const widthOf: WidthOf = (layer) => made.get(`${layer}/kernel`) ?? fail(layer);

  const { stem, blocks, head } = network;
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
    head: {
      ...head,
      filters: head.filters === 0 ? 0 : widthOf('head'),
      ...(head.hidden === undefined ? {} : { hidden: widthOf('head_hidden') }),
    },
  };
  const isMeant =
    structure(cut) === structure(network) && channelGroups(cut).every(({ width }, i) => width === asked(groups[i]));
  return isMeant ? cut : null;
}

function fail(layer: string): never {
  throw new Error(`there is no layer ${layer}`);
}
