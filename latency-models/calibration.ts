import { genotypeId, sampleGenotype, type Genotype, type Space } from '../spaces/index.js';
import type { Random } from '../base/random.js';
import { featureTable, featuresOf, totalsOf } from './features.js';
import { selectDiverse } from './selection.js';
import { ascending, quantile } from './statistics.js';

/** Genotypes among which the ones to measure are chosen. */
const poolSize = 500;
/** The pool is cut at these quantiles of work: the extremes of a space would dominate a relative fit. */
const [lightest, heaviest] = [0.02, 0.98];

/**
 * The canonical genotypes whose measured latencies tell most about an additive model: D-optimal among a random pool.
 * Fewer than `count` when the space is smaller. The same space, count and random state give the same genotypes.
 */
export function selectCalibration(space: Space, count: number, random: Random): Genotype[] {
  const pool = samplePool(space, Math.max(poolSize, 4 * count), random);
  const candidates = pool.map((genotype) => {
    const layers = featuresOf(space.build(genotype));
    return { genotype, totals: totalsOf(layers), work: layers.reduce((sum, layer) => sum + layer.work, 0) };
  });
  const works = ascending(candidates.map(({ work }) => work));
  const [low, high] = [quantile(works, lightest), quantile(works, heaviest)];
  const inside = candidates.filter(({ work }) => work >= low && work <= high);
  const kept = inside.length >= count ? inside : candidates;
  const { rows } = featureTable(kept.map(({ totals }) => totals));
  return selectDiverse(rows, count).map((i) => kept[i].genotype);
}

/** Distinct canonical genotypes in the order in which they were drawn. */
function samplePool(space: Space, size: number, random: Random): Genotype[] {
  const pool = new Map<string, Genotype>();
  for (let draws = 0; draws < 2 * size && pool.size < size; draws++) {
    const genotype = sampleGenotype(space, random);
    pool.set(genotypeId(genotype), genotype);
  }
  return [...pool.values()];
}
