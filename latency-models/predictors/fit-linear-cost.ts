import { dot } from '../../base/linear-algebra.js';
import { median } from '../statistics.js';
import { launchColumns, layerCost } from './columns.js';
import type { Catalogue, Sample } from './features.js';
import { sizePriors, prepare, regression, unitCostsOf, type FitData, type LinearCostOptions } from './fit-data.js';
import {
  layerCovariance,
  likeness,
  LinearCostModel,
  overlapped,
  type LayerShares,
  type ProfileModel,
} from './linear-cost-model.js';
import { leaveOneOut, solve, type Component, type Regression, type Solution, type Start } from './regression.js';

/** An observation off the first fit by this factor counts as a failed measurement. */
const outlierFactor = 3;
/** Failed measurements are dropped only while at least this many others remain. */
const minSamples = 4;
/** Predictions are at least this share of the median latency. */
const floorShare = 0.05;
/** Each round fits weights, then deviations, then the noise of single observations. */
const rounds = 4;
/** The first rounds also search for the sizes of components. */
const searchRounds = 2;
/** Degrees of freedom of the noise, which has heavier tails than a normal distribution. */
const noiseFreedom = 4;

/** A model with its leave-one-out errors. */
export interface Fit {
  readonly model: ProfileModel;
  /** Errors of the samples, each predicted from the others, as shares of the predictions. */
  readonly leftOut: readonly number[];
  /** Root mean square of `leftOut`, without dropped samples. */
  readonly leftOutError: number;
}

export interface LinearCostFit extends Fit {
  readonly model: LinearCostModel;
  /** Standard deviation of the measurement noise, as a share of the latency. */
  readonly noise: number;
}

/** @throws RangeError without samples, and for latencies that are not positive numbers. */
export function fitLinearCost(
  catalogue: Catalogue,
  samples: readonly Sample[],
  options: LinearCostOptions,
): LinearCostFit {
  const wrong = samples.find(({ ms }) => !(ms > 0 && ms < Infinity));
  if (samples.length === 0 || wrong !== undefined)
    throw new RangeError(`a latency model is fitted to positive latencies, not to ${wrong?.ms ?? 'nothing'}`);
  const data = withoutOutliers(prepare(catalogue, samples, options));
  return finish(data, iterate(data), samples);
}

/** Drops failed measurements, once. */
function withoutOutliers(data: FitData): FitData {
  const { catalogue, samples, columns, target, options } = data;
  const { weights } = solve(regression(data, data.noise, columns.rows, []));
  const kept = samples.filter(
    (_sample, i) =>
      Math.abs(Math.log(target[i] / Math.max(dot(columns.rows[i], weights), 1e-9))) <= Math.log(outlierFactor),
  );
  return kept.length < minSamples || kept.length === samples.length ? data : prepare(catalogue, kept, options);
}

/** The shares of the layers in each row's latency. */
function layerSharesOf(data: FitData, weights: readonly number[], gates: readonly Float64Array[]): LayerShares {
  const { catalogue, profiles, columns } = data;
  const unitCosts = unitCostsOf(columns, weights, 1);
  const compute = columns.names.findIndex((name) => !launchColumns.has(name));
  const layers = [...new Set(profiles.flatMap((profile) => profile.layers))].sort((a, b) => a - b);
  const place = new Map(layers.map((layer, k) => [layer, k]));
  const own = layers.map((layer) => layerCost(catalogue.layers[layer], unitCosts, columns.heavy));
  const rows = profiles.map((profile, i) => {
    const row = new Float64Array(layers.length);
    for (const [k, layer] of profile.layers.entries()) {
      const at = place.get(layer) ?? 0;
      row[at] = profile.counts[k] * own[at] * (compute < 0 ? 1 : gates[i][compute]);
    }
    return row;
  });
  return { layers, rows };
}

interface Outcome {
  readonly problem: Regression;
  readonly solution: Solution;
  readonly spread: LayerShares;
  /** The weights that the deviations are relative to. */
  readonly reference: readonly number[];
}

function iterate(data: FitData): Outcome {
  const { columns, options } = data;
  let solution = solve(regression(data, data.noise, columns.rows, []));
  let gates = gatesOf(data, solution.weights);
  if (options.overlap > 1) ({ solution, gates } = overlap(data, solution));
  const rows = gated(columns.rows, gates);
  let noise = data.noise;
  let start: Start = {};
  let alike: Float64Array | undefined;
  for (let round = 0; ; round++) {
    const reference = solution.weights;
    const spread = layerSharesOf(data, reference, gates);
    const components: Component[] = [];
    if (options.kind === 'gaussian-process') {
      alike ??= likeness(data.catalogue, spread.layers);
      components.push({ matrix: layerCovariance(spread, alike), ...sizePriors.layers });
    }
    const problem = regression(data, noise, rows, components);
    solution = solve(problem, start);
    start = { scales: solution.scales, keep: round >= searchRounds - 1 };
    if (round === rounds - 1) return { problem, solution, spread, reference };
    noise = noiseOf(data, noise, solution);
  }
}

/** The expected noise of each observation under Student's t distribution, given its leave-one-out error. */
function noiseOf(
  { noise: own }: FitData,
  noise: Float64Array,
  { leftOut, leftOutVariance, sizes }: Solution,
): Float64Array {
  return own.map((value, i) => {
    const others = Math.max(leftOutVariance[i] - sizes[0] ** 2 * noise[i], 0);
    const squared = leftOut[i] ** 2 / (others + sizes[0] ** 2 * value);
    return value * Math.max(1, (noiseFreedom + squared) / (noiseFreedom + 1));
  });
}

function finish(
  data: FitData,
  { problem, solution, spread, reference }: Outcome,
  all: readonly Sample[],
): LinearCostFit {
  const { catalogue, samples, columns, scale, target, options } = data;
  const { weights, sizes, scales, dual } = solution;
  const beta = spread.layers.map((_, a) => spread.rows.reduce((sum, row, i) => sum + row[a] * dual[i], 0));
  const size = sizes[1] ?? 0;
  const errors = leaveOneOut(problem, scales).map((error, i) => error / Math.max(target[i] - error, floorShare));
  const leftOutError =
    samples.length < 2 ? 1 : Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / samples.length);
  const model = new LinearCostModel({
    version: 3,
    kind: options.kind,
    ms_per_unit: Object.fromEntries(unitCostsOf(columns, weights, scale)),
    heavy_traffic: columns.heavy,
    overlap: options.overlap,
    deviations:
      options.kind === 'additive'
        ? null
        : {
            ms_per_unit: Object.fromEntries(unitCostsOf(columns, reference, scale)),
            size,
            layers: spread.layers.map((layer, a) => {
              const { family, place } = catalogue.layers[layer];
              return { family, place: [...place], weight: size ** 2 * beta[a] };
            }),
          },
    floor_ms: floorShare * median(samples.map(({ ms }) => ms)),
    relative_std: leftOutError,
    observations: samples.length,
  });
  const leftOut = all.map((sample) => {
    const kept = samples.indexOf(sample);
    return kept < 0 ? sample.ms / model.predictProfile(catalogue, sample.profile).ms - 1 : errors[kept];
  });
  return { model, noise: sizes[0], leftOut, leftOutError };
}

/** Rounds of the damped iteration for overlapping launches and computations. */
const overlapRounds = 30;

/** The derivatives of each row's overlapped sum by launches and computations: the sum is linearised at `weights`. */
function gatesOf({ columns, options }: FitData, weights: readonly number[]): Float64Array[] {
  const isLaunch = columns.names.map((name) => launchColumns.has(name));
  return columns.rows.map((row) => {
    let [launch, compute] = [0, 0];
    for (let j = 0; j < row.length; j++)
      if (isLaunch[j]) launch += row[j] * weights[j];
      else compute += row[j] * weights[j];
    const byCompute = overlapped(launch, compute, options.overlap).byCompute;
    const byLaunch = overlapped(compute, launch, options.overlap).byCompute;
    return Float64Array.from(isLaunch, (own) => (own ? byLaunch : byCompute));
  });
}

const gated = (rows: readonly Float64Array[], gates: readonly Float64Array[]): Float64Array[] =>
  rows.map((row, i) => row.map((value, j) => value * gates[i][j]));

/** Alternates between weights and gates, beginning where launches and computations are of similar size. */
function overlap(data: FitData, first: Solution): { solution: Solution; gates: Float64Array[] } {
  const { columns, noise } = data;
  let weights = columns.names.map((name, j) => Math.max(first.weights[j], launchColumns.has(name) ? 0.1 : 0.02));
  let gates = gatesOf(data, weights);
  let solution = first;
  for (let round = 0; round < overlapRounds; round++) {
    const next = gatesOf(data, weights);
    gates = gates.map((row, i) => row.map((value, j) => (value + next[i][j]) / 2));
    solution = solve(regression(data, noise, gated(columns.rows, gates), []), {
      scales: first.scales,
      keep: true,
    });
    weights = weights.map((value, j) => (value + solution.weights[j]) / 2);
  }
  return { solution: { ...solution, weights }, gates };
}
