import { z } from 'zod';
import type { Network } from '../spaces/index.js';
import { featureTable, featuresOf, totalsOf, type Column, type LayerFeatures } from './features.js';
import type { LatencyModel, Observation, Prediction } from './latency-model.js';
import { nonNegativeLeastSquares } from './nnls.js';
import { median } from './statistics.js';

/** Penalty on the squared shares of the mean latency; anything from 0.003 to 0.03 does. */
const ridge = 0.01;
/** Errors count relative to the latency, but below this share of the median as if it were that share. */
const smallestShare = 0.3;
/** An observation this factor off the first fit is a failed measurement ... */
const outlierFactor = 3;
/** ... which is dropped when at least this many remain. */
const fewest = 4;
/** Predictions are at least this share of the median latency. */
const floorShare = 0.05;
/** Extrapolation is bounded for networks of which next to nothing is known. */
const smallestCoverage = 1e-3;
/** Up to this many points each is left out in turn; with more they are left out in this many groups. */
const mostFolds = 40;

export const additiveSchema = z.strictObject({
  kind: z.literal('additive'),
  /** Milliseconds for each unit of a column. A column that the fit has never seen is missing, not 0. */
  ms_per_unit: z.record(z.string(), z.number().min(0)),
  floor_ms: z.number().gt(0),
  /** Standard deviation of cross-validated errors as a share of the prediction. */
  relative_std: z.number().min(0),
  observations: z.number().int().min(1),
});
type AdditiveData = z.output<typeof additiveSchema>;

/**
 * Latency as a sum over physical totals of the executed graph (multiply-accumulates by kind, activation traffic, kernel
 * launches, parameters), each with a non-negative price. A dozen well-chosen measurements are enough to fit it.
 */
export class AdditiveModel implements LatencyModel {
  readonly kind = 'additive';

  constructor(private readonly data: AdditiveData) {}

  /**
   * Layers with work of a kind that the fit has not seen are uncovered: they are charged the mean price of the covered
   * layers' work (multiply-accumulates, or values where there are none), and that charge counts as error in `std`.
   */
  predict(network: Network): Prediction {
    return estimate(this.data, featuresOf(network));
  }

  toJSON(): AdditiveData {
    return this.data;
  }
}

function estimate(data: AdditiveData, layers: readonly LayerFeatures[]): Prediction {
  const isCovered = (column: Column): boolean => Object.hasOwn(data.ms_per_unit, column);
  let [covered, work] = [0, 0];
  for (const layer of layers) {
    work += layer.work;
    if (layer.terms.every(([column]) => isCovered(column))) covered += layer.work;
  }
  let known = 0;
  for (const [column, amount] of totalsOf(layers)) if (isCovered(column)) known += data.ms_per_unit[column] * amount;
  const coverage = work === 0 ? 1 : covered / work;
  const explained = Math.max(known, data.floor_ms);
  const extrapolated = explained * (1 / Math.max(coverage, smallestCoverage) - 1);
  return { ms: explained + extrapolated, std: Math.hypot(data.relative_std * explained, extrapolated), coverage };
}

interface Point {
  readonly layers: readonly LayerFeatures[];
  readonly ms: number;
}

/**
 * Fits an additive model by non-negative least squares on relative errors.
 * @throws RangeError without observations, and for latencies that are not positive numbers.
 */
export function fitAdditive(observations: readonly Observation[]): AdditiveModel {
  const wrong = observations.find(({ ms }) => !(ms > 0 && ms < Infinity));
  if (observations.length === 0 || wrong !== undefined)
    throw new RangeError(`a latency model is fitted to positive latencies, not to ${wrong?.ms ?? 'nothing'}`);
  const points = observations.map(({ network, ms }) => ({ layers: featuresOf(network), ms }));
  const kept = withoutOutliers(points);
  return new AdditiveModel({ ...price(kept), relative_std: crossValidatedError(kept) });
}

/** The prices of the columns, without an opinion of their error. */
function price(points: readonly Point[]): AdditiveData {
  const { columns, means, rows } = featureTable(points.map(({ layers }) => totalsOf(layers)));
  const scale = median(points.map(({ ms }) => ms));
  const weights = points.map(({ ms }) => scale / Math.max(ms, smallestShare * scale));
  const shares = nonNegativeLeastSquares(
    rows.map((row, i) => row.map((value) => weights[i] * value)),
    points.map(({ ms }, i) => (weights[i] * ms) / scale),
    ridge,
  );
  return {
    kind: 'additive',
    ms_per_unit: Object.fromEntries(columns.map((column, j) => [column, (scale * shares[j]) / means[j]])),
    floor_ms: floorShare * scale,
    relative_std: 0,
    observations: points.length,
  };
}

function withoutOutliers(points: readonly Point[]): readonly Point[] {
  const first = price(points);
  const isNear = ({ layers, ms }: Point): boolean =>
    Math.abs(Math.log(ms / estimate(first, layers).ms)) <= Math.log(outlierFactor);
  const kept = points.filter(isNear);
  return kept.length >= fewest ? kept : points;
}

/**
 * Root mean square of the relative errors at points that are predicted from the others (leave-one-out, or folds where
 * that would be many). A point that alone shows some column tells nothing of covered predictions and is left out,
 * unless there are no others.
 */
function crossValidatedError(points: readonly Point[]): number {
  if (points.length < 2) return 1;
  const folds = Math.min(points.length, mostFolds);
  const errors = Array.from({ length: folds }, (_, fold) => {
    const prices = price(points.filter((_point, i) => i % folds !== fold));
    return points
      .filter((_point, i) => i % folds === fold)
      .map(({ layers, ms }) => {
        const prediction = estimate(prices, layers);
        return { error: ms / prediction.ms - 1, covered: prediction.coverage === 1 };
      });
  }).flat();
  const covered = errors.filter((entry) => entry.covered);
  const used = covered.length > 0 ? covered : errors;
  return Math.sqrt(used.reduce((sum, { error }) => sum + error * error, 0) / used.length);
}
