import { dot } from '../../base/linear-algebra.js';
import type { Random } from '../../base/random.js';
import { genotypeId, sampleGenotype, type Genotype, type Space } from '../../spaces/index.js';
import { quantile, sum } from '../../base/statistics.js';
import { ascending } from '../statistics.js';
import { columnsOf } from './columns.js';
import { Catalogue, type LayerFeatures, type Profile } from './features.js';

/** Random genotypes among which calibration networks are chosen. */
const poolSize = 500;
/** Networks beyond these quantiles of work are left out, as they would dominate a relative fit. */
const [minQuantile, maxQuantile] = [0.02, 0.98];
/** Prior standard deviation of details, relative to that of other shares. */
const detailSize = 0.12;
/** Variance of the measurement noise, in units of the prior. */
const measurementNoise = 0.01;

/** The positions of the `count` most informative profiles: D-optimal under the prior of the model. Deterministic. */
export function designSamples(catalogue: Catalogue, profiles: readonly Profile[], count: number): number[] {
  const works = profiles.map(({ layers, counts }) =>
    sum(layers.map((i, k) => counts[k] * macsOf(catalogue.layers[i]))),
  );
  const sorted = ascending(works);
  const [low, high] = [quantile(sorted, minQuantile), quantile(sorted, maxQuantile)];
  const all = [...profiles.keys()];
  const inside = all.filter((i) => works[i] >= low && works[i] <= high && !profiles[i].isConstant);
  const kept = inside.length >= count ? inside : all;
  const { rows, isDetail } = columnsOf(
    catalogue,
    kept.map((i) => profiles[i]),
  );
  const scaled = rows.map((row) => row.map((value, j) => value * (isDetail[j] ? detailSize : 1)));
  return selectDiverse(scaled, measurementNoise, count).map((i) => kept[i]);
}

const macsOf = ({ terms }: LayerFeatures): number =>
  sum(terms.map(([column, amount]) => (column.endsWith('_macs') ? amount : 0)));

/**
 * The canonical genotypes whose latencies are most informative for a latency model: D-optimal among a random pool; fewer than
 * `count` when the space is smaller. The same space, count and random state give the same genotypes.
 */
export function selectCalibration(space: Space, count: number, random: Random): Genotype[] {
  const pool = samplePool(space, Math.max(poolSize, 4 * count), random);
  const catalogue = new Catalogue();
  const profiles = pool.map((genotype) => catalogue.profile(space.build(genotype)));
  return designSamples(catalogue, profiles, count).map((i) => pool[i]);
}

/** Distinct canonical genotypes in the order of the draws. */
function samplePool(space: Space, size: number, random: Random): Genotype[] {
  const pool = new Map<string, Genotype>();
  for (let draws = 0; draws < 2 * size && pool.size < size; draws++) {
    const genotype = sampleGenotype(space, random);
    pool.set(genotypeId(genotype), genotype);
  }
  return [...pool.values()];
}

/**
 * The indices of the `count` most informative candidates: greedy D-optimal design by pivoted Cholesky of the rows' Gram
 * matrix. Deterministic; of equals the first. O(n q count + n count^2).
 *
 * @param rows the features of each candidate, in coordinates in which the prior of the weights is standard normal.
 * @param noise variance of the measurement noise.
 */
export function selectDiverse(rows: readonly ArrayLike<number>[], noise: number, count: number): number[] {
  const uncertainty = new Uncertainty(rows, noise);
  const candidates = new Set(rows.keys());
  const taken: number[] = [];
  while (taken.length < count && candidates.size > 0) {
    let [pivot, most] = [-1, -Infinity];
    for (const i of candidates) {
      const gain = uncertainty.gain(i);
      if (gain > most) [pivot, most] = [i, gain];
    }
    uncertainty.measure(pivot);
    candidates.delete(pivot);
    taken.push(pivot);
  }
  return taken;
}

/** The posterior variances of the candidates. */
class Uncertainty {
  private readonly variances: Float64Array;
  private readonly factor: Float64Array[] = [];

  constructor(
    private readonly rows: readonly ArrayLike<number>[],
    private readonly noise: number,
  ) {
    this.variances = Float64Array.from(rows, (row) => dot(row, row));
  }

  /** Twice the information gain of measuring the candidate. */
  gain(i: number): number {
    return Math.log1p(this.variances[i] / this.noise);
  }

  measure(pivot: number): void {
    const { variances, factor, rows, noise } = this;
    const scale = Math.sqrt(variances[pivot] + noise);
    const column = Float64Array.from(rows, (row) => dot(row, rows[pivot]));
    for (const earlier of factor) {
      const weight = earlier[pivot];
      for (let i = 0; i < column.length; i++) column[i] -= earlier[i] * weight;
    }
    for (let i = 0; i < column.length; i++) {
      column[i] /= scale;
      variances[i] = Math.max(0, variances[i] - column[i] ** 2);
    }
    factor.push(column);
  }
}
