import { LayerList, type LayersBefore } from './layer-list.js';
import type { Layer, Shape } from './layers.js';
import { type Block, type Network, strideOf, styleOf } from './network.js';
import { appendBlock, appendHead, appendStem } from './network-layers.js';

/** Where a block or the head may begin: the parts that read a map of this shape, in networks of one style. */
interface Place {
  readonly shape: Shape;
  readonly blocks: Map<Block, Part>;
  readonly heads: Map<string, Part>;
}

/**
 * Consecutive layers of a network: the stem, a block, or the head. Networks share the parts of one block object that reads maps of one shape, so
 * that searches compute only once what follows from them.
 */
export class Part {
  private readonly known = new Map<unknown, unknown>();

  constructor(
    /** Positions count from the part's input, which is 0; in the stem from the image. Names of a block begin with `block`, without its number. */
    readonly layers: readonly Layer[],
    readonly before: LayersBefore,
    /** The position of its result. */
    readonly output: number,
    readonly next: Place,
  ) {}

  /** What a function gives for the part, computed once. */
  of<T>(compute: (part: Part) => T): T {
    // Only a result of the same function is found.
    const known = this.known.get(compute) as T | undefined;
    if (known !== undefined) return known;
    const result = compute(this);
    this.known.set(compute, result);
    return result;
  }
}

/** Parts of one style that are shared before all are forgotten. */
const maxParts = 3000;

/** The parts of networks of one style. */
class SharedParts {
  count = 0;
  private readonly stems = new Map<string, Part>();
  private readonly places = new Map<string, Place>();

  constructor(private readonly style: ReturnType<typeof styleOf>) {}

  stem(network: Network): Part {
    const { input, stem } = network;
    const { filters, kernel, stride, act, pool } = stem;
    const key = `${input.join()} ${filters} ${kernel} ${stride} ${act} ${pool}`;
    const before = { count: 0, read: -1, shape: [0, 0, 0] } as const;
    return this.kept(this.stems, key, () => this.made(before, (list) => appendStem(list, network)));
  }

  block({ shape, blocks }: Place, block: Block): Part {
    return this.kept(blocks, block, () => this.after(shape, (list) => appendBlock(list, 'block', 0, block)));
  }

  head({ shape, heads }: Place, head: Exclude<Network['head'], { kind: unknown }>, classes: number): Part {
    const { filters, act, norm, hidden, dropout } = head;
    return this.kept(heads, `${filters} ${act} ${norm} ${hidden} ${dropout} ${classes}`, () =>
      this.after(shape, (list) => {
        appendHead(list, 0, { head, classes }, new Map());
        return list.layers.length;
      }),
    );
  }

  /** The head of a detector, which reads other maps, too: positions count from the image. */
  mapHead(network: Network, parts: readonly Part[]): Part {
    const { layers, outputs } = joined(parts);
    let stride = network.stem.stride * (network.stem.pool === undefined ? 1 : 2);
    const maps = new Map([[stride, outputs[0]]]);
    for (const [i, block] of network.blocks.entries()) {
      stride *= strideOf(block);
      maps.set(stride, outputs[i + 1]);
    }
    const { next } = parts[parts.length - 1];
    const read = outputs[outputs.length - 1];
    const list = new LayerList(this.style);
    list.layers.push(...layers);
    appendHead(list, read, network, maps);
    const before = { count: layers.length, read, shape: next.shape };
    return new Part(list.layers.slice(layers.length), before, list.layers.length - 1, next);
  }

  private kept<K>(known: Map<K, Part>, key: K, make: () => Part): Part {
    let part = known.get(key);
    if (part === undefined) {
      known.set(key, (part = make()));
      this.count++;
    }
    return part;
  }

  private after(shape: Shape, append: (list: LayerList) => number): Part {
    return this.made({ count: 1, read: 0, shape }, append);
  }

  private made(before: LayersBefore, append: (list: LayerList) => number): Part {
    const list = new LayerList(this.style, before);
    const output = append(list);
    const shape = list.shape(output);
    const key = shape.join();
    let next = this.places.get(key);
    if (next === undefined) this.places.set(key, (next = { shape, blocks: new Map(), heads: new Map() }));
    return new Part(list.layers, before, output, next);
  }
}

const shared = new Map<string, SharedParts>();

function partsIn(network: Network): SharedParts {
  const key = network.style === undefined ? '' : JSON.stringify(network.style);
  let parts = shared.get(key);
  if (parts === undefined || parts.count > maxParts) shared.set(key, (parts = new SharedParts(styleOf(network))));
  return parts;
}

/** Remembers what was computed last: what follows from a network is mostly asked for in a row. Networks never change. */
export function perNetwork<T extends object>(compute: (network: Network) => T): (network: Network) => T {
  let last: { readonly network: Network; readonly value: T } | undefined;
  return (network) => {
    if (last?.network !== network) last = { network, value: compute(network) };
    return last.value;
  };
}

/** The layers of a network's parts, and the positions of the parts' results. */
function joined(parts: readonly Part[]) {
  const layers: Layer[] = [];
  const outputs: number[] = [];
  for (const [number, part] of parts.entries()) {
    const { count, read } = part.before;
    const [start, input] = [layers.length, outputs.at(-1) ?? -1];
    const at = (position: number): number => (position === read ? input : start + position - count);
    for (const layer of part.layers) {
      const name = layer.name.replace(/^block(?=_|$)/, `block${number}`);
      layers.push({ ...layer, name, inputs: layer.inputs.map(at) });
    }
    outputs.push(at(part.output));
  }
  return { layers, outputs };
}

/** The parts of a network from the stem to the head. */
export const partsOf = perNetwork((network): readonly Part[] => {
  const { blocks, head, classes } = network;
  const own = partsIn(network);
  const parts = [own.stem(network)];
  const next = (): Place => parts[parts.length - 1].next;
  for (const block of blocks) parts.push(own.block(next(), block));
  parts.push('kind' in head ? own.mapHead(network, parts) : own.head(next(), head, classes));
  return parts;
});

/** Whether each part reads only the result of the one before it. */
export const isChain = ({ head }: Network): boolean => !('kind' in head);

/**
 * The primitive layers of a network in execution order, from the input to the outputs: the single
 * source for costs, latency features and exports. Blocks are numbered from 1 (`block1_expand`).
 */
export const layersOf = perNetwork((network): readonly Layer[] => joined(partsOf(network)).layers);
