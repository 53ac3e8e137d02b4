import { Cholesky } from '../../base/linear-algebra.js';
import { dot } from '../../base/linear-algebra.js';
import type { Random } from '../../base/random.js';
import { genotypeId, sampleGenotype, type Genotype, type Space } from '../../spaces/index.js';
import { ascending, quantile } from '../statistics.js';
import { columnsOf, heavyTraffic, type Columns } from './columns.js';
import { Catalogue, likelyExecutions, type LayerFeatures, type Profile } from './features.js';
import { unlikeSources, type SourcePrior } from './sources.js';

/** Genotypes among which the ones to measure are chosen. */
const poolSize = 500;
/** The pool is cut at these quantiles of work: the extremes of a space would dominate a relative fit. */
const [lightest, heaviest] = [0.02, 0.98];
/** Standard deviation of details, where that of other shares is 1. */
const detailSize = 0.12;
/** Variance of the measurement noise, in these units and with sources in shares of the latency. */
const [noise, sourcedNoise] = [0.01, 0.0025];

/** Weight of what a device has on its own beside what other devices say. */
const ownFactor = 0.1;

export interface DesignOptions {
  /** Cells may be executed beyond their live layers: then samples are to tell the executions apart, too. */
  readonly declared?: boolean;
  /** What other devices say beforehand: then that which they leave open is measured. */
  readonly prior?: SourcePrior;
}

/**
 * The positions of the `count` profiles whose measurement tells most about all others: D-optimal under the prior of the
 * model that will be fitted. Deterministic.
 */
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
  const [low, high] = [quantile(sorted, lightest), quantile(sorted, heaviest)];
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
 * The canonical genotypes whose measured latencies tell most about a latency model: D-optimal among a random pool.
 * Fewer than `count` when the space is smaller. The same space, count and random state give the same genotypes.
 */
export function selectCalibration(space: Space, count: number, random: Random): Genotype[] {
  const pool = samplePool(space, Math.max(poolSize, 4 * count), random);
  const catalogue = new Catalogue();
  const profiles = pool.map((genotype) => catalogue.profile(space.build(genotype)));
  return designSamples(catalogue, profiles, count).map((i) => pool[i]);
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

/** What a linear model of the candidates makes of them. */
export interface View {
  /** One row of features for each candidate, in coordinates in which the prior of the weights is standard normal. */
  readonly rows: readonly ArrayLike<number>[];
  /** Variance of the measurement noise. */
  readonly noise: number;
  /** How likely this model is the right one; 1 by default. */
  readonly probability?: number;
}

/**
 * The indices of the `count` candidates whose measurement tells most: greedy D-optimal design (the expected gain of
 * information) by pivoted Cholesky of the rows' Gram matrix; of several models, in the mean over them. Deterministic; the
 * first of equals wins. O(n q count + n count^2).
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

/** What a model does not know of the candidates. */
class Uncertainty {
  /** The variance of each candidate given those that were measured. */
  private readonly variances: Float64Array;
  private readonly factor: Float64Array[] = [];

  constructor(private readonly view: View) {
    this.variances = Float64Array.from(view.rows, (row) => dot(row, row));
  }

  /** Twice the information that a measurement of the candidate gives. */
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
