import { dot } from '../../base/linear-algebra.js';
import type { Network } from '../../spaces/index.js';
import { median } from '../statistics.js';
import { columnsOf, type Columns } from './columns.js';
import { Catalogue, type Sample } from './features.js';
import { LinearCostModel } from './linear-cost-model.js';
import { diagonal, leaveOneOut, solve, type Regression, type Start } from './regression.js';

/** A measured network. */
export interface Observation {
  readonly network: Network;
  readonly ms: number;
}

/** An observation off the first fit by this factor counts as a failed measurement. */
const outlierFactor = 3;
/** Failed measurements are dropped only while at least this many others remain. */
const minSamples = 4;
/** Predictions are at least this share of the median latency. */
const floorShare = 0.05;
/** Noise is relative to the latency, or to this share of the median where that is more. */
const minShare = 0.3;
/** Prior standard deviation of a column's share of the latency. */
const shareSize = 0.3;
/** Normal priors of the logarithms of the standard deviations of noise and details. */
const sizePriors = { noise: { centre: -3.7, spread: 1 }, details: { centre: -2.3, spread: 0.7 } } as const;
/** Each round fits weights, then the noise of single observations. */
const rounds = 4;
/** The first rounds also search for the sizes of noise and details. */
const searchRounds = 2;
/** Degrees of freedom of the noise, which has heavier tails than a normal distribution. */
const noiseFreedom = 4;

/** The input of a fit, in units of `scale` ms: one row for each sample. */
interface FitData {
  readonly samples: readonly Sample[];
  readonly columns: Columns;
  readonly scale: number;
  readonly target: Float64Array;
  /** Relative variance of each sample's noise. */
  readonly noise: Float64Array;
}

function prepare(catalogue: Catalogue, samples: readonly Sample[]): FitData {
  const columns = columnsOf(
    catalogue,
    samples.map(({ profile }) => profile),
  );
  const scale = median(samples.map(({ ms }) => ms));
  return {
    samples,
    columns,
    scale,
    target: Float64Array.from(samples, ({ ms }) => ms / scale),
    noise: Float64Array.from(samples, ({ ms }) => Math.max(ms / scale, minShare) ** 2),
  };
}

const regression = ({ columns: { rows, isDetail }, target }: FitData, noise: Float64Array): Regression => ({
  target,
  rows,
  prior: diagonal(isDetail.map((detail) => (detail ? 0 : shareSize ** 2))),
  details: { matrix: diagonal(isDetail.map(Number)), ...sizePriors.details },
  noise: { matrix: diagonal(noise), ...sizePriors.noise },
});

/** Drops failed measurements, once. */
function withoutOutliers(catalogue: Catalogue, data: FitData): FitData {
  const { samples, columns, target } = data;
  const { weights } = solve(regression(data, data.noise));
  const kept = samples.filter(
    (_sample, i) =>
      Math.abs(Math.log(target[i] / Math.max(dot(columns.rows[i], weights), 1e-9))) <= Math.log(outlierFactor),
  );
  return kept.length < minSamples || kept.length === samples.length ? data : prepare(catalogue, kept);
}

/** The regression and its solution after all rounds. */
function iterate(data: FitData) {
  let noise = data.noise;
  let start: Start = {};
  for (let round = 0; ; round++) {
    const problem = regression(data, noise);
    const solution = solve(problem, start);
    if (round === rounds - 1) return { problem, solution };
    start = { scales: solution.scales, keep: round >= searchRounds - 1 };
    // The expected noise of each observation under Student's t distribution, given its leave-one-out error.
    const { leftOut, leftOutVariance, scales } = solution;
    const variance = Math.exp(2 * scales[0]);
    noise = data.noise.map((own, i) => {
      const others = Math.max(leftOutVariance[i] - variance * noise[i], 0);
      const squared = leftOut[i] ** 2 / (others + variance * own);
      return own * Math.max(1, (noiseFreedom + squared) / (noiseFreedom + 1));
    });
  }
}

/**
 * Fits unit costs to networks that are profiles already.
 * @throws RangeError without samples, and for latencies that are not positive numbers.
 */
export function fitSamples(catalogue: Catalogue, all: readonly Sample[]): LinearCostModel {
  const wrong = all.find(({ ms }) => !(ms > 0 && ms < Infinity));
  if (all.length === 0 || wrong !== undefined)
    throw new RangeError(`a latency model is fitted to positive latencies, not to ${wrong?.ms ?? 'nothing'}`);
  const data = withoutOutliers(catalogue, prepare(catalogue, all));
  const { samples, columns, scale, target } = data;
  const { problem, solution } = iterate(data);
  const errors = leaveOneOut(problem, solution.scales).map(
    (error, i) => error / Math.max(target[i] - error, floorShare),
  );
  return new LinearCostModel({
    version: 4,
    ms_per_unit: Object.fromEntries(
      columns.names.map((name, j) => [name, (scale * solution.weights[j]) / columns.means[j]]),
    ),
    heavy_traffic: columns.heavy,
    floor_ms: floorShare * median(samples.map(({ ms }) => ms)),
    relative_std: samples.length < 2 ? 1 : Math.sqrt(dot(errors, errors) / samples.length),
    observations: samples.length,
  });
}

/**
 * Fits a latency model. The same observations give the same model.
 * @throws as `fitSamples`
 */
export function fitLatencyModel(observations: readonly Observation[]): LinearCostModel {
  const catalogue = new Catalogue();
  return fitSamples(
    catalogue,
    observations.map(({ network, ms }) => ({ profile: catalogue.profile(network), ms })),
  );
}
