import { launchColumns, priceOf } from './columns.js';
import { type Component, dot, leaveOneOut, type Regression, type Solution, solve, type Start } from './regression.js';
import {
  layerCovariance,
  likeness,
  overlapped,
  PricedModel,
  type ProfileModel,
  type Spread,
} from './linear-cost-model.js';
import type { Catalogue, Sample } from './features.js';
import { expected, prepare, type PricedOptions, pricesOf, regression, type Setting } from './fit-data.js';
import { median } from '../statistics.js';

/** An observation this factor off the first fit is a failed measurement ... */
const outlierFactor = 3;
/** ... which is dropped when at least this many remain. */
const fewest = 4;
/** Predictions are at least this share of the median latency. */
const floorShare = 0.05;
/** Rounds in which prices, deviations and the noise of single observations are found from each other ... */
const rounds = 4;
/** ... and the first of them, in which sizes are searched for. */
const searchRounds = 2;
/** Degrees of freedom of the noise: single measurements go wrong by far more than a normal distribution has it. */
const noiseFreedom = 4;

/** A model, and what it makes of samples that it does not know. */
export interface Fit {
  readonly model: ProfileModel;
  /** Errors at samples that are predicted from the others, as shares of the predictions; in the order of the samples. */
  readonly leftOut: readonly number[];
  /** Root mean square of `leftOut`, without the samples that were dropped as failed measurements. */
  readonly leftOutError: number;
}

export interface PricedFit extends Fit {
  readonly model: PricedModel;
  /** Standard deviation of the measurement noise, as a share of the latency. */
  readonly noise: number;
}

/** @throws RangeError without samples, and for latencies that are not positive numbers. */
export function fitPriced(catalogue: Catalogue, samples: readonly Sample[], options: PricedOptions): PricedFit {
  const wrong = samples.find(({ ms }) => !(ms > 0 && ms < Infinity));
  if (samples.length === 0 || wrong !== undefined)
    throw new RangeError(`a latency model is fitted to positive latencies, not to ${wrong?.ms ?? 'nothing'}`);
  const setting = withoutOutliers(prepare(catalogue, samples, options));
  return finish(setting, iterate(setting), samples);
}

/** Drops failed measurements, once. */
function withoutOutliers(setting: Setting): Setting {
  const { catalogue, samples, columns, target, options } = setting;
  const { weights } = solve(regression(setting, setting.noise, columns.rows, []));
  const kept = samples.filter(
    (_sample, i) =>
      Math.abs(Math.log(target[i] / Math.max(dot(columns.rows[i], weights), 1e-9))) <= Math.log(outlierFactor),
  );
  return kept.length < fewest || kept.length === samples.length ? setting : prepare(catalogue, kept, options);
}

function spreadOf(setting: Setting, weights: readonly number[], gates: readonly Float64Array[]): Spread {
  const { catalogue, profiles, columns } = setting;
  const prices = pricesOf(columns, weights, 1);
  const compute = columns.names.findIndex((name) => !launchColumns.has(name));
  const layers = [...new Set(profiles.flatMap((profile) => profile.layers))].sort((a, b) => a - b);
  const place = new Map(layers.map((layer, k) => [layer, k]));
  const own = layers.map((layer) => priceOf(catalogue.layers[layer], prices, columns.heavy));
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
  readonly spread: Spread;
  /** The weights that the deviations are relative to. */
  readonly reference: readonly number[];
  readonly gates: readonly Float64Array[];
}

function iterate(setting: Setting): Outcome {
  const { columns, options } = setting;
  let solution = solve(regression(setting, setting.noise, columns.rows, []));
  let gates = gatesOf(setting, solution.weights);
  if (options.overlap > 1) ({ solution, gates } = overlap(setting, solution));
  const rows = gated(columns.rows, gates);
  const sources = options.prior?.deviations(setting.catalogue, setting.profiles) ?? null;
  let noise = setting.noise;
  let start: Start = {};
  let alike: Float64Array | undefined;
  for (let round = 0; ; round++) {
    const reference = solution.weights;
    const spread = spreadOf(setting, reference, gates);
    const components: Component[] = [];
    if (options.similarity !== null) {
      alike ??= likeness(setting.catalogue, spread.layers, options.similarity);
      components.push({ matrix: layerCovariance(spread, alike), ...expected.layers });
    }
    if (sources !== null) components.push({ matrix: sources.covariance, ...expected.sources });
    const problem = regression(setting, noise, rows, components);
    solution = solve(problem, start);
    start = { scales: solution.scales, keep: round >= searchRounds - 1 };
    if (round === rounds - 1) return { problem, solution, spread, reference, gates };
    noise = noiseOf(setting, noise, solution);
  }
}

/** Expectation of each observation's noise under Student's t distribution, from how far the others are off it. */
function noiseOf(
  { noise: own }: Setting,
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
  setting: Setting,
  { problem, solution, spread, reference }: Outcome,
  all: readonly Sample[],
): PricedFit {
  const { catalogue, samples, profiles, columns, scale, target, options } = setting;
  const { weights, sizes, scales, dual } = solution;
  const beta = spread.layers.map((_, a) => spread.rows.reduce((sum, row, i) => sum + row[a] * dual[i], 0));
  const similarity = options.similarity;
  const size = sizes[1] ?? 0;
  const sourceSize = sizes[similarity === null ? 1 : 2] ?? 0;
  const errors = leaveOneOut(problem, scales, samples.length).map(
    (error, i) => error / Math.max(target[i] - error, floorShare),
  );
  const leftOutError =
    samples.length < 2 ? 1 : Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / samples.length);
  const model = new PricedModel({
    version: 3,
    kind: options.kind,
    ms_per_unit: Object.fromEntries(pricesOf(columns, weights, scale)),
    heavy_traffic: columns.heavy,
    overlap: options.overlap,
    deviations:
      similarity === null
        ? null
        : {
            similarity,
            ms_per_unit: Object.fromEntries(pricesOf(columns, reference, scale)),
            size,
            layers: spread.layers.map((layer, a) => {
              const { key, family, place } = catalogue.layers[layer];
              return { key, family, place: [...place], weight: size ** 2 * beta[a] };
            }),
          },
    layer_ms: options.prior?.layerMs(catalogue, profiles, dual, sourceSize, scale) ?? {},
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

/** Halvings on the way to launches and computations that overlap. */
const overlapRounds = 30;

/** The weights' factors in each row where launches and computations overlap: the sum is linear around itself. */
function gatesOf({ columns, options }: Setting, weights: readonly number[]): Float64Array[] {
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

/** Finds weights and gates from each other, beginning where launches and computations are alike. */
function overlap(setting: Setting, first: Solution): { solution: Solution; gates: Float64Array[] } {
  const { columns, noise } = setting;
  let weights = columns.names.map((name, j) => Math.max(first.weights[j], launchColumns.has(name) ? 0.1 : 0.02));
  let gates = gatesOf(setting, weights);
  let solution = first;
  for (let round = 0; round < overlapRounds; round++) {
    const next = gatesOf(setting, weights);
    gates = gates.map((row, i) => row.map((value, j) => (value + next[i][j]) / 2));
    solution = solve(regression(setting, noise, gated(columns.rows, gates), []), {
      scales: first.scales,
      keep: true,
    });
    weights = weights.map((value, j) => (value + solution.weights[j]) / 2);
  }
  return { solution: { ...solution, weights }, gates };
}
