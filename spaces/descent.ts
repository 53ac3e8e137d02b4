import { Random } from '../base/random.js';
import { meanOrZero } from '../base/statistics.js';
import { costs, type Costs } from './costs.js';
import { genotypeId, type Genotype } from './genotype.js';
import { type Block, type Network, strideOf } from './network.js';
import { sampleGenotype } from './operators.js';
import type { Space } from './space.js';

/** The smallest or the largest network of a space. */
export interface Extreme {
  /** Canonical. */
  readonly genotype: Genotype;
  readonly network: Network;
  readonly costs: Costs;
}

/** Positive when `a` is the larger network: by MACs, then by parameters. */
const compare = (a: Costs, b: Costs): number => a.macs - b.macs || a.params - b.params;

/** Coordinate descent: takes the best choice of one decision after the other until a whole sweep finds none better. */
function descend<T>(
  { decisions }: Space,
  start: Genotype,
  valueOf: (genotype: Genotype) => T,
  better: (a: T, b: T) => boolean,
  sweeps = Infinity,
): { readonly genotype: Genotype; readonly value: T } {
  let genotype = start;
  let value = valueOf(start);
  let improved = true;
  for (let sweep = 0; improved && sweep < sweeps; sweep++) {
    improved = false;
    for (const [i, { choices }] of decisions.entries()) {
      for (const choice of choices.keys()) {
        if (choice === genotype[i]) continue;
        const other = genotype.with(i, choice);
        const found = valueOf(other);
        if (!better(found, value)) continue;
        [genotype, value, improved] = [other, found, true];
      }
    }
  }
  return { genotype, value };
}

/** Random starts, besides all first and all last choices. */
const restarts = 8;

const known = new WeakMap<Space, { readonly smallest: Extreme; readonly largest: Extreme }>();

/**
 * The smallest and the largest network of a space by MACs (then by parameters), found by coordinate descent from all
 * first choices, all last choices and a few fixed random genotypes. Exact where a larger choice never means less work;
 * otherwise (optional stages with stride 2) nearly always exact.
 */
export function extremes(space: Space): { readonly smallest: Extreme; readonly largest: Extreme } {
  const before = known.get(space);
  if (before !== undefined) return before;
  const random = new Random(0, 'extremes');
  const starts: readonly Genotype[] = [
    space.decisions.map(() => 0),
    space.decisions.map(({ choices }) => choices.length - 1),
    ...Array.from({ length: restarts }, () => sampleGenotype(space, random)),
  ];
  // Descents from several starts meet: most networks are asked for again.
  const sizes = new Map<string, Costs>();
  const sizeOf = (genotype: Genotype): Costs => {
    const id = genotypeId(space.canonical(genotype));
    const size = sizes.get(id) ?? costs(space.build(genotype));
    sizes.set(id, size);
    return size;
  };
  const search = (better: (a: Costs, b: Costs) => boolean): Extreme => {
    const found = starts.map((start) => descend(space, start, sizeOf, better));
    const best = found.reduce((a, b) => (better(b.value, a.value) ? b : a));
    const genotype = space.canonical(best.genotype);
    return { genotype, network: space.build(genotype), costs: best.value };
  };
  const both = { smallest: search((a, b) => compare(a, b) < 0), largest: search((a, b) => compare(a, b) > 0) };
  known.set(space, both);
  return both;
}

/** Blocks are compared by how often the map is halved before them; deeper blocks count with the last level. */
const scales = 7;

const log2 = (value: number): number => Math.log2(1 + value);

/** The blocks at one size of map as numbers: how many, how wide, and of which kind. */
function profile(blocks: readonly Block[]): number[] {
  const convolutions = blocks.flatMap((block) => ('kernel' in block ? [block] : []));
  const inverted = blocks.flatMap((block) => ('expand' in block ? [block] : []));
  return [
    blocks.length,
    meanOrZero(blocks.flatMap((block) => ('filters' in block ? [log2(block.filters)] : []))),
    meanOrZero(convolutions.map(({ kernel }) => kernel / 2)),
    meanOrZero(convolutions.map(({ act }) => (act === 'hard_swish' || act === 'swish' ? 0.5 : 0))),
    meanOrZero(inverted.map(({ expand }) => log2(expand))),
    meanOrZero(inverted.map(({ se }) => (se > 0 ? 1 : 0))),
    meanOrZero(blocks.map((block) => ('before' in block ? (block.before ?? 0) / 2 : 0))),
    inverted.length / Math.max(1, blocks.length),
  ];
}

/** A network as numbers; the distance of two networks is the sum of the differences. */
function describe(network: Network): number[] {
  const { macs, params } = costs(network);
  const { stem, blocks, head, input } = network;
  const byScale: Block[][] = Array.from({ length: scales }, () => []);
  let scale = Number(stem.stride === 2) + Number(stem.pool !== undefined);
  for (const block of blocks) {
    if (strideOf(block) === 2) scale = Math.min(scales - 1, scale + 1);
    byScale[scale].push(block);
  }
  return [
    2 * Math.log2(macs),
    2 * Math.log2(params),
    4 * Math.log2(input[0]),
    log2(stem.filters),
    log2('kind' in head ? head.width : head.filters) / 2,
    ...byScale.flatMap(profile),
  ];
}

const distance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0);

/** At most this many sweeps over the decisions. */
const sweeps = 6;

/**
 * The network of a space that is most similar to a given one in size (MACs, parameters) and in the blocks at each size of
 * map (number, width, kernels, expansion, squeeze-excite); the input's resolution weighs most. Found by coordinate descent
 * from the smallest, the middle and the largest choices, which may miss the nearest.
 * @returns a canonical genotype
 */
export function nearestGenotype(space: Space, target: Network): Genotype {
  const wanted = describe(target);
  const far = (genotype: Genotype): number => distance(describe(space.build(space.canonical(genotype))), wanted);
  const nearer = (a: number, b: number): boolean => a < b;
  const starts = [0, 0.5, 1].map((share) =>
    space.decisions.map(({ choices }) => Math.round(share * (choices.length - 1))),
  );
  const found = starts.map((start) => space.canonical(descend(space, start, far, nearer, sweeps).genotype));
  return found.reduce((best, other) => (far(other) < far(best) ? other : best));
}
