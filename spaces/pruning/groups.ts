import { applyRule, type Layer, type LayerTable } from '../layer.js';
import { layersOf } from '../layers.js';
import type { Network } from '../network.js';

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
