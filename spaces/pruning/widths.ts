import { layersOf } from '../layers.js';
import type { Block, Network } from '../network.js';
import { channelGroups, type ChannelGroup } from './groups.js';

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
