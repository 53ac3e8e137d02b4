import { products } from '../genotype.js';
import { blockOf, detectionHead, headOf, inputOf, stemOf } from './build.js';
import { type LayerChoices, type Layout, type StageScale, scaledDepth, type StageChoices } from './layout.js';

/** A state of the automaton that emits the blocks of a network one by one. */
interface Place {
  readonly scale: StageScale;
  readonly stage: number;
  /** Blocks of the stage so far. */
  readonly emitted: number;
  /** How often blocks may still halve the map; the network ends before the next one that does. */
  readonly halvings: number;
  /** Choices that the first block of the stage fixes for its other blocks. */
  readonly held: Held | null;
}

interface Held {
  readonly kind: StageChoices['kind'][number];
  readonly filters: number;
  readonly act: StageChoices['act'][number];
  /** Null: each layer decides. */
  readonly layer: LayerChoices | null;
}

/** The states that each symbol leads to, and the channels of its block. */
type Successors = Map<string, { readonly filters: number; readonly places: Place[] }>;

function add(successors: Successors, symbol: string, filters: number, place: Place): void {
  const known = successors.get(symbol);
  if (known === undefined) successors.set(symbol, { filters, places: [place] });
  else known.places.push(place);
}

const placeKey = ({ scale, stage, emitted, halvings, held }: Place): string =>
  JSON.stringify([scale.width, scale.depth, stage, emitted, halvings, held]);

/** Every combination of one choice from each list. */
function* combinations<T extends Readonly<Record<string, readonly unknown[]>>>(
  lists: T,
): Generator<{ [K in keyof T]: T[K][number] }> {
  const entries = Object.entries(lists);
  for (const indices of products(entries.map(([, list]) => list.length))) {
    const chosen = entries.map(([key, list], i) => [key, list[indices[i]]] as const);
    yield Object.fromEntries(chosen) as { [K in keyof T]: T[K][number] };
  }
}

/**
 * The exact number of different networks. The space is a regular language over blocks; its words are counted on the
 * deterministic automaton (subset construction), so a network with several genotypes counts once.
 */
export function countNetworks(layout: Layout): bigint {
  const { plan } = layout;
  const { stages, divisor } = plan;

  const mayEmit = ({ scale, stage, emitted }: Place): boolean =>
    stages[stage].depth.some((depth) => scaledDepth(depth, scale) > emitted);

  /** The states reachable without another block, and whether the network may end here. */
  const closure = (places: readonly Place[]): { open: Place[]; accepts: boolean } => {
    const open = new Map<string, Place>();
    let accepts = false;
    const visit = (place: Place): void => {
      if (place.stage === stages.length) {
        accepts = true;
        return;
      }
      if (mayEmit(place)) {
        open.set(placeKey(place), place);
        if (place.held === null && place.halvings === 0 && stages[place.stage].stride.includes(2)) accepts = true;
      }
      const done = stages[place.stage].depth.some((depth) => scaledDepth(depth, place.scale) === place.emitted);
      if (done) visit({ ...place, stage: place.stage + 1, emitted: 0, held: null });
    };
    places.forEach(visit);
    return { open: [...open.values()], accepts };
  };

  /** The possible next blocks, each with the state that follows. */
  function* steps(
    place: Place,
    channels: number,
  ): Generator<readonly [block: ReturnType<typeof blockOf>, next: Place]> {
    const stage = stages[place.stage];
    const { kind, filters, act, kernel, expand, se, before, group_width } = stage;
    const firsts = place.held === null ? [...combinations({ kind, filters, act })] : [place.held];
    const strides = place.held === null ? stage.stride : ([1] as const);
    const layers = place.held?.layer
      ? [place.held.layer]
      : [...combinations({ kernel, expand, se, before, group_width })];
    for (const first of firsts) {
      for (const layer of layers) {
        const held: Held = { ...first, layer: plan.share === 'stage' ? layer : null };
        for (const stride of strides) {
          const halvings = place.halvings - (stride - 1);
          if (halvings < 0) continue;
          const block = blockOf({ ...held, ...layer, stride }, channels, place.scale, plan);
          yield [block, { ...place, emitted: place.emitted + 1, halvings, held }];
        }
      }
    }
  }

  const counted = new Map<string, bigint>();
  /** The number of block sequences from any of these states to the end. */
  const count = (places: readonly Place[], channels: number): bigint => {
    const { open, accepts } = closure(places);
    const key = `${channels}:${accepts}:${open.map(placeKey).sort().join(';')}`;
    const known = counted.get(key);
    if (known !== undefined) return known;
    const nexts: Successors = new Map();
    for (const place of open) {
      for (const [block, next] of steps(place, channels)) {
        add(nexts, JSON.stringify(block), block.filters, next);
      }
    }
    const total = sum(nexts) + (accepts ? 1n : 0n);
    counted.set(key, total);
    return total;
  };

  const sum = (successors: Successors): bigint =>
    [...successors.values()].reduce((total, { filters, places }) => total + count(places, filters), 0n);

  // Input, stem and head form the first symbol.
  const starts: Successors = new Map();
  for (const { scale } of layout.scaleOptions) {
    const heads =
      plan.detect === null
        ? [...combinations(plan.head)].map((choice) => headOf(choice, scale, divisor))
        : [...combinations(plan.detect)].map((choice) => detectionHead(choice, plan.task));
    const each = new Map(heads.map((head) => [JSON.stringify(head), head]));
    for (const choice of combinations(plan.stem)) {
      const stem = stemOf(choice, scale, divisor);
      for (const [text, head] of each) {
        const symbol = JSON.stringify([inputOf(plan, scale), stem, text]);
        const halvings = 'kind' in head ? Math.log2(head.deepest / stem.stride) : Infinity;
        add(starts, symbol, stem.filters, { scale, stage: 0, emitted: 0, halvings, held: null });
      }
    }
  }
  return sum(starts);
}
