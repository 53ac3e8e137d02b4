import { Random } from '../base/random.js';
import type { Costs } from './costs.js';
import { costs } from './costs.js';
import type { Genotype } from './genotype.js';
import type { Network } from './network.js';
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
