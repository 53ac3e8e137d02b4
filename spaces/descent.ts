import { Random } from '../base/random.js';
import { costs, type Costs } from './costs.js';
import type { Genotype } from './genotype.js';
import type { Block, Network } from './network.js';
import { sampleGenotype } from './operators.js';
import type { Space } from './space.js';

/** A network at the edge of a space. */
export interface Extreme {
  /** Canonical. */
  readonly genotype: Genotype;
  readonly network: Network;
  readonly costs: Costs;
}

/** Positive when `a` is the larger network: by MACs, then by parameters. */
const compare = (a: Costs, b: Costs): number => a.macs - b.macs || a.params - b.params;

/** Decision by decision the best choice, until a whole sweep changes nothing. */
function descend(space: Space, start: Genotype, better: (a: Costs, b: Costs) => boolean): Extreme {
  let genotype = start;
  let best = costs(space.build(genotype));
  for (let improved = true; improved;) {
    improved = false;
    for (const [i, { choices }] of space.decisions.entries()) {
      for (let c = 0; c < choices.length; c++) {
        if (c === genotype[i]) continue;
        const other = genotype.with(i, c);
        const found = costs(space.build(other));
        if (!better(found, best)) continue;
        genotype = other;
        best = found;
        improved = true;
      }
    }
  }
  const canonical = space.canonical(genotype);
  return { genotype: canonical, network: space.build(canonical), costs: best };
}

/** Random places to descend from, besides the corners. */
const restarts = 8;

/**
 * The smallest and the largest network of a space by MACs (then by parameters), found by coordinate descent from all
 * first choices, all last choices and a few fixed random genotypes. Exact where more of a decision never means less
 * work, whatever the others are; elsewhere (stages with stride 2 that may be left out) nearly always, not certainly.
 */
export function extremes(space: Space): { readonly smallest: Extreme; readonly largest: Extreme } {
  const random = new Random(0, 'extremes');
  const starts: readonly Genotype[] = [
    space.decisions.map(() => 0),
    space.decisions.map(({ choices }) => choices.length - 1),
    ...Array.from({ length: restarts }, () => sampleGenotype(space, random)),
  ];
  const search = (better: (a: Costs, b: Costs) => boolean): Extreme =>
    starts.map((start) => descend(space, start, better)).reduce((a, b) => (better(b.costs, a.costs) ? b : a));
  return { smallest: search((a, b) => compare(a, b) < 0), largest: search((a, b) => compare(a, b) > 0) };
}

/** How often the map is halved before a block's output, at most; deeper blocks count with these. */
const scales = 7;

const log2 = (value: number): number => Math.log2(1 + value);

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;

const strideOf = (block: Block): number => (block.kind === 'reduction' ? 2 : block.kind === 'cell' ? 1 : block.stride);

/** What is compared of the blocks at one size of map: how many, how wide, and of which kind. */
function profile(blocks: readonly Block[]): number[] {
  const convolutions = blocks.flatMap((block) => ('kernel' in block ? [block] : []));
  const inverted = blocks.flatMap((block) => ('expand' in block ? [block] : []));
  return [
    blocks.length,
    mean(blocks.flatMap((block) => ('filters' in block ? [log2(block.filters)] : []))),
    mean(convolutions.map(({ kernel }) => kernel / 2)),
    mean(convolutions.map(({ act }) => (act === 'hard_swish' || act === 'swish' ? 0.5 : 0))),
    mean(inverted.map(({ expand }) => log2(expand))),
    mean(inverted.map(({ se }) => (se > 0 ? 1 : 0))),
    inverted.length / Math.max(1, blocks.length),
  ];
}

/** A network as numbers: two networks are as far apart as these differ, in sum. */
function describe(network: Network): number[] {
  const { macs, params } = costs(network);
  const { stem, blocks, head, input } = network;
  const byScale: Block[][] = Array.from({ length: scales }, () => []);
  let scale = stem.stride === 2 ? 1 : 0;
  for (const block of blocks) {
    if (strideOf(block) === 2) scale = Math.min(scales - 1, scale + 1);
    byScale[scale].push(block);
  }
  return [
    2 * Math.log2(macs),
    2 * Math.log2(params),
    4 * Math.log2(input[0]),
    log2(stem.filters),
    log2(head.filters) / 2,
    ...byScale.flatMap(profile),
  ];
}

const distance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0);

/** Sweeps over the decisions, at most. */
const sweeps = 6;

/** Decision by decision, the choice that comes nearest, until no single change comes nearer. */
function approach(start: Genotype, space: Space, far: (genotype: Genotype) => number): Genotype {
  let best = start;
  let least = far(start);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const before = least;
    for (const [i, { choices }] of space.decisions.entries()) {
      for (const choice of choices.keys()) {
        const candidate = best.with(i, choice);
        const own = choice === best[i] ? least : far(candidate);
        if (own < least) [best, least] = [candidate, own];
      }
    }
    if (least === before) break;
  }
  return best;
}

/**
 * The network of a space that is most like a given one, by size (MACs, parameters) and by the blocks at each size of map
 * (how many, how wide, kernels, expansion, squeeze-excite); the input's resolution counts most. Found by coordinate
 * descent from the smallest, the middle and the largest choices, so at times not the very nearest.
 * @returns a canonical genotype.
 */
export function nearestGenotype(space: Space, target: Network): Genotype {
  const wanted = describe(target);
  const far = (genotype: Genotype): number => distance(describe(space.build(space.canonical(genotype))), wanted);
  const starts = [0, 0.5, 1].map((share) =>
    space.decisions.map(({ choices }) => Math.round(share * (choices.length - 1))),
  );
  const found = starts.map((start) => space.canonical(approach(start, space, far)));
  return found.reduce((best, other) => (far(other) < far(best) ? other : best));
}
