import { BoundedCache } from '../base/bounded-cache.js';
import { LayerList, type LayersBefore } from './layer-list.js';
import type { Layer } from './layers.js';
import { type Block, type Network, strideOf, styleOf } from './network.js';
import { appendBlock, appendHead, appendStem } from './network-layers.js';

/** Where a block or the head begins. Equal places of networks of one style are the same object. */
interface Place extends LayersBefore {
  /** Blocks before it. */
  readonly blocks: number;
  readonly parts: Map<Block, Part>;
  readonly heads: Map<string, Part>;
}

/**
 * Consecutive layers of a network: the stem, a block, or the head. Networks share the parts of one block object at one place, so that searches
 * compute only once what follows from them.
 */
export class Part {
  private readonly known = new Map<unknown, unknown>();

  constructor(
    /** Their inputs are positions in the network. */
    readonly layers: readonly Layer[],
    readonly before: LayersBefore,
    /** Where the next part begins. */
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

const first: LayersBefore = { count: 0, read: -1, shape: [0, 0, 0] };

/** The parts of networks of one style. */
class SharedParts {
  count = 0;
  private readonly stems = new Map<string, Part>();
  private readonly places = new BoundedCache<Place>(maxParts);

  constructor(private readonly style: ReturnType<typeof styleOf>) {}

  stem(network: Network): Part {
    const { input, stem } = network;
    const { filters, kernel, stride, act, pool } = stem;
    const key = `${input.join()} ${filters} ${kernel} ${stride} ${act} ${pool}`;
    return this.kept(this.stems, key, () => this.made(first, 0, (list) => appendStem(list, network)));
  }

  block(place: Place, block: Block): Part {
    const { blocks, read, parts } = place;
    return this.kept(parts, block, () =>
      this.made(place, blocks + 1, (list) => appendBlock(list, `block${blocks + 1}`, read, block)),
    );
  }

  /** @param parts those before it */
  head(network: Network, parts: readonly Part[]): Part {
    const { next } = parts[parts.length - 1];
    const { head, classes } = network;
    // A detector reads other maps, too.
    if ('kind' in head) {
      const list = new LayerList(this.style);
      list.layers.push(...layersIn(parts));
      appendHead(list, next.read, network, mapsOf(network, parts));
      return new Part(list.layers.slice(next.count), next, next);
    }
    const { filters, act, norm, hidden, dropout } = head;
    return this.kept(next.heads, `${filters} ${act} ${norm} ${hidden} ${dropout} ${classes}`, () =>
      this.made(next, next.blocks, (list) => {
        appendHead(list, next.read, network, new Map());
        return next.count + list.layers.length - 1;
      }),
    );
  }

  private kept<K>(known: Map<K, Part>, key: K, make: () => Part): Part {
    let part = known.get(key);
    if (part === undefined) {
      known.set(key, (part = make()));
      this.count++;
    }
    return part;
  }

  private made(before: LayersBefore, blocks: number, append: (list: LayerList) => number): Part {
    const list = new LayerList(this.style, before);
    const read = append(list);
    const count = before.count + list.layers.length;
    const shape = list.shape(read);
    const next = this.places.of(`${blocks} ${count} ${read} ${shape.join()}`, () => ({
      ...{ blocks, count, read, shape },
      parts: new Map(),
      heads: new Map(),
    }));
    return new Part(list.layers, before, next);
  }
}

/** The position of the last map of each stride. */
function mapsOf({ stem, blocks }: Network, parts: readonly Part[]): ReadonlyMap<number, number> {
  let stride = stem.stride * (stem.pool === undefined ? 1 : 2);
  return new Map(
    parts.map(({ next }, i) => {
      if (i > 0) stride *= strideOf(blocks[i - 1]);
      return [stride, next.read];
    }),
  );
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

const layersIn = (parts: readonly Part[]): Layer[] => parts.flatMap(({ layers }) => layers);

/** The parts of a network from the stem to the head. Blocks are numbered from 1 (`block1_expand`). */
export const partsOf = perNetwork((network): readonly Part[] => {
  const own = partsIn(network);
  const parts = [own.stem(network)];
  for (const block of network.blocks) parts.push(own.block(parts[parts.length - 1].next, block));
  parts.push(own.head(network, parts));
  return parts;
});

/** Whether each part reads only the result of the one before it. */
export const isChain = ({ head }: Network): boolean => !('kind' in head);

/**
 * The primitive layers of a network in execution order, from the input to the outputs: the single
 * source for costs, latency features and exports.
 */
export const layersOf = perNetwork((network): readonly Layer[] => layersIn(partsOf(network)));
