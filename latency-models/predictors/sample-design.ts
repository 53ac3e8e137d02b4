import { Cholesky, dot } from '../../base/linear-algebra.js';
import type { Random } from '../../base/random.js';
import { genotypeId, sampleGenotype, type Genotype, type Space } from '../../spaces/index.js';
import { quantile } from '../../base/statistics.js';
import { ascending } from '../statistics.js';
import { columnsOf, heavyTraffic, type Columns } from './columns.js';
import { Catalogue, likelyExecutions, type LayerFeatures, type Profile } from './features.js';
import { unlikeSources, type SourcePrior } from './sources.js';

/** Random genotypes among which calibration networks are chosen. */
const poolSize = 500;
/** Networks beyond these quantiles of work are left out, as they would dominate a relative fit. */
const [minQuantile, maxQuantile] = [0.02, 0.98];
/** Prior standard deviation of details, relative to that of other shares. */
const detailSize = 0.12;
/** Variance of the measurement noise, in units of the prior and (with sources) of the latency. */
const [noise, sourcedNoise] = [0.01, 0.0025];
/** Weight of a device's own shares beside those of its sources. */
const ownFactor = 0.1;

export interface DesignOptions {
  /** Cells may be executed beyond their live layers: samples should also identify the execution. */
  readonly declared?: boolean;
  /** From other devices: samples should identify the differences to them. */
  readonly prior?: SourcePrior;
}

/** The positions of the `count` most informative profiles: D-optimal under the prior of the model. Deterministic. */
export function designSamples(
  catalogue: Catalogue,
  profiles: readonly Profile[],
  count: number,
  { declared = false, prior }: DesignOptions = {},
): number[] {
  const works = profiles.map(({ layers, counts }) =>
    layers.reduce((sum, i, k) => sum + counts[k] * macsOf(catalogue.layers[i]), 0),
  );
  const sorted = ascending(works);
  const [low, high] = [quantile(sorted, minQuantile), quantile(sorted, maxQuantile)];
  const all = [...profiles.keys()];
  const inside = all.filter((i) => works[i] >= low && works[i] <= high && !profiles[i].isConstant);
  const kept = inside.length >= count ? inside : all;
  const candidates = kept.map((i) => profiles[i]);
  const heavy = prior?.heavy ?? heavyTraffic(catalogue, candidates);
  const likely = likelyExecutions(count, declared).map(({ execution }) => execution);
  const columns = columnsOf(catalogue, candidates, heavy, likely);
  const alone: View = {
    rows: columns.rows.map((row) => row.map((value, j) => value * (columns.isDetail[j] ? detailSize : 1))),
    noise,
  };
  const views =
    prior === undefined
      ? [alone]
      : [
          {
            rows: underPrior(columnsOf(catalogue, candidates, heavy, likely.slice(0, 1)), prior),
            noise: sourcedNoise,
            probability: 1 - unlikeSources,
          },
          { ...alone, probability: unlikeSources },
        ];
  const chosen = selectDiverse(views, count);
  return chosen.map((i) => kept[i]);
}

const macsOf = ({ terms }: LayerFeatures): number =>
  terms.reduce((sum, [column, amount]) => sum + (column.endsWith('_macs') ? amount : 0), 0);

/** The rows in coordinates in which the prior of the weights is standard normal. */
function underPrior(columns: Columns, prior: SourcePrior): Float64Array[] {
  const { mean, covariance, own } = prior.shares(columns);
  const size = columns.names.length;
  const whole = covariance.map((value, k) => value + (k % (size + 1) === 0 ? ownFactor * own[k / (size + 1)] : 0));
  const factor = Cholesky.of(whole, size);
  return columns.rows.map((row) => {
    const centre = Math.max(dot(row, mean), 1e-6);
    const turned = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      const lower = factor.row(i);
      for (let j = 0; j <= i; j++) turned[j] += row[i] * lower[j];
    }
    return turned.map((value) => value / centre);
  });
}

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

/** A linear model of the candidates. */
export interface View {
  /** The features of each candidate, in coordinates in which the prior of the weights is standard normal. */
  readonly rows: readonly ArrayLike<number>[];
  /** Variance of the measurement noise. */
  readonly noise: number;
  /** Of the model; default: 1. */
  readonly probability?: number;
}

/**
 * The indices of the `count` most informative candidates: greedy D-optimal design by pivoted Cholesky of the rows' Gram
 * matrix, averaged over several models. Deterministic; of equals the first. O(n q count + n count^2).
 */
export function selectDiverse(views: readonly View[], count: number): number[] {
  const open = views.map((view) => new Uncertainty(view));
  const candidates = new Set(views[0].rows.keys());
  const taken: number[] = [];
  while (taken.length < count && candidates.size > 0) {
    let [pivot, most] = [-1, -Infinity];
    for (const i of candidates) {
      const gain = open.reduce((sum, view, k) => sum + (views[k].probability ?? 1) * view.gain(i), 0);
      if (gain > most) [pivot, most] = [i, gain];
    }
    for (const view of open) view.measure(pivot);
    candidates.delete(pivot);
    taken.push(pivot);
  }
  return taken;
}

/** A model's posterior variances of the candidates. */
class Uncertainty {
  private readonly variances: Float64Array;
  private readonly factor: Float64Array[] = [];

  constructor(private readonly view: View) {
    this.variances = Float64Array.from(view.rows, (row) => dot(row, row));
  }

  /** Twice the information gain of measuring the candidate. */
  gain(i: number): number {
    return Math.log1p(this.variances[i] / this.view.noise);
  }

  measure(pivot: number): void {
    const { variances, factor } = this;
    const { rows, noise } = this.view;
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
