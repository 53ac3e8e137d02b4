import type { Block, Member, Network } from '../../spaces/index.js';

/** A block, and whether its input is added to its output. */
interface Placed {
  readonly block: Block;
  readonly isResidual: boolean;
}

function blocksOf({ stem, blocks }: Network): readonly Placed[] {
  const filters = blocks.map((block) => ('filters' in block ? block.filters : NaN));
  return blocks.map((block, i) => ({
    block,
    isResidual: 'stride' in block && block.stride === 1 && (i === 0 ? stem.filters : filters[i - 1]) === filters[i],
  }));
}

/** A stage of a space: the blocks of its largest network, and their places. */
interface Stage {
  readonly blocks: readonly Placed[];
  readonly places: readonly string[];
}

/** The place, `stem` or `head` of a shared weight: `stage2.1_expand/kernel` is in `stage2.1`. */
export const placeOf = (weight: string): string => weight.slice(0, weight.search(/[_/]/));

/** `stage2.1` is in `stage2`. */
export const stageOf = (place: string): string => place.replace(/\.\d+$/, '');

function stagesOf({ network, places }: Member): readonly Stage[] {
  const names = [...new Set(places.map(stageOf))];
  const blocks = blocksOf(network);
  return names.map((name) => {
    const own = [...places.keys()].filter((i) => stageOf(places[i]) === name);
    return { blocks: own.map((i) => blocks[i]), places: own.map((i) => places[i]) };
  });
}

/** The costs of a block of the file that has no place, of a place without one, and of a stage without any. */
const [left, empty, skipped] = [3, 0.5, 1.5];

const ratio = (a: number, b: number): number => Math.abs(Math.log2(a / b));

/**
 * How unlike two blocks are; infinite where they have no weights in common.
 * @param scale width of the first network, divided by the width of the second
 */
function unlikeness({ block: a, isResidual }: Placed, { block: b, ...other }: Placed, scale: number): number {
  if (a.kind !== b.kind || a.kind === 'cell' || a.kind === 'reduction' || !('filters' in b) || !('kernel' in b))
    return Infinity;
  const sums = isResidual === other.isResidual ? 0 : 1;
  const common =
    sums +
    (a.stride === b.stride ? 0 : 2) +
    2 * ratio(a.filters, scale * b.filters) +
    Math.abs(a.kernel - b.kernel) / 8;
  if (!('expand' in a) || !('expand' in b)) return common;
  const [before, others] = [a, b].map((block) => ('before' in block ? (block.before ?? 0) : 0));
  const layers = (a.expand === 1) === (b.expand === 1) ? 0 : 1;
  return (
    common + Math.abs(before - others) / 8 + layers + ratio(a.expand, b.expand) / 4 + (a.se > 0 === b.se > 0 ? 0 : 0.5)
  );
}

/** The cost of the file's next `count` blocks as a stage: the first ones in its places, the others without. */
function costOf(stage: Stage, blocks: readonly Placed[], scale: number): number {
  const placed = Math.min(blocks.length, stage.blocks.length);
  const costs = blocks.slice(0, placed).map((block, i) => unlikeness(block, stage.blocks[i], scale));
  const none = stage.blocks.length - placed;
  // Of equal costs, the stages are filled alike.
  const missing = empty * none + none ** 2 / 20 + (placed === 0 ? skipped : 0);
  return costs.reduce((a, b) => a + b, 0) + left * (blocks.length - placed) + missing;
}

interface Best {
  readonly cost: number;
  readonly places: readonly (string | null)[];
}

/** The cheapest places of blocks (dynamic programming over blocks and stages). */
function assigned(blocks: readonly Placed[], stages: readonly Stage[], scale: number): Best {
  // The cheapest places of the blocks from each position on; behind the last stage they have none.
  let best: readonly Best[] = Array.from({ length: blocks.length + 1 }, (_, from) => ({
    cost: left * (blocks.length - from),
    places: blocks.slice(from).map(() => null),
  }));
  for (const stage of [...stages].reverse())
    best = best.map((_, from) => {
      const options = Array.from({ length: blocks.length - from + 1 }, (__, count): Best => {
        const rest = best[from + count];
        const own = blocks.slice(from, from + count);
        return {
          cost: costOf(stage, own, scale) + rest.cost,
          places: [...own.map((___, i) => stage.places.at(i) ?? null), ...rest.places],
        };
      });
      return options.reduce((a, b) => (b.cost < a.cost ? b : a));
    });
  // Blocks before the first stage may have no place, too.
  const first = best.reduce((least, { cost }, i) => (left * i + cost < left * least + best[least].cost ? i : least), 0);
  return {
    cost: left * first + best[first].cost,
    places: [...blocks.slice(0, first).map(() => null), ...best[first].places],
  };
}

const widths = ({ blocks }: Network): readonly number[] =>
  blocks.flatMap((block) => ('filters' in block ? [block.filters] : []));

/**
 * The place of each block of a network in a space; null for blocks that have none. The blocks are assigned to the stages in
 * order, so that stride, width, kernel, expansion and squeeze-excite of blocks in the same place differ least. All widths may
 * differ by a factor.
 * @param largest the largest member of the space
 */
export function alignBlocks(network: Network, largest: Member): readonly (string | null)[] {
  const stages = stagesOf(largest);
  const [own, others] = [network, largest.network].map(widths);
  const scales = [1, ...[0, -1].map((i) => (own.at(i) ?? 1) / (others.at(i) ?? 1))];
  const found = scales.map((scale) => assigned(blocksOf(network), stages, scale));
  return found.reduce((a, b) => (b.cost < a.cost ? b : a)).places;
}
