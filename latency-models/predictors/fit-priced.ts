import { columnsOf, heavyTraffic, launchColumns, partRow, type Columns } from './columns.js';
import type { Component } from './evidence.js';
import { layerCovariance, likeness, type Spread } from './layer-deviations.js';
import type { Catalogue, Profile } from './layer-features.js';
import type { ProfileModel } from './latency-model.js';
import { leaveOneOut } from './leave-one-out.js';
import { partErrors, type Part, type PartErrors } from './parts.js';
import { priceOf } from './priced-layers.js';
import { overlapped, PricedModel, type ModelKind } from './priced-model.js';
import { diagonal, dot, solve, type Regression, type Solution, type Start } from './regression.js';
import type { SimilarityName } from './similarity.js';
import type { SourcePrior } from './sources.js';
import { median } from '../statistics.js';

/** Errors count relative to the latency, but below this share of the median as if it were that share. */
const smallestShare = 0.3;
/** An observation this factor off the first fit is a failed measurement ... */
const outlierFactor = 3;
/** ... which is dropped when at least this many remain. */
const fewest = 4;
/** Predictions are at least this share of the median latency. */
const floorShare = 0.05;
/** Standard deviation of a column's share of the latency. */
const shareSize = 0.3;
/** What sizes of components are expected to be, as logarithms of standard deviations with their own. */
const expected = {
  noise: { centre: -3.7, spread: 1 },
  layers: { centre: -1.5, spread: 0.7 },
  details: { centre: -2.3, spread: 0.7 },
  own: { centre: -1.15, spread: 1 },
  alone: { centre: -2.2, spread: 1 },
  sources: { centre: -2.3, spread: 1 },
} as const;
/** Rounds in which prices, deviations and the noise of single observations are found from each other ... */
const rounds = 4;
/** ... and the first of them, in which sizes are searched for. */
const searchRounds = 2;
/** Degrees of freedom of the noise: single measurements go wrong by far more than a normal distribution has it. */
const noiseFreedom = 4;
/** Halvings on the way to launches and computations that overlap. */
const overlapRounds = 30;

/** A measured network, taken apart. */
export interface Sample {
  readonly profile: Profile;
  readonly ms: number;
}

export interface PricedOptions {
  readonly kind: ModelKind;
  /** What layers' deviations have in common; null: layers do not deviate. */
  readonly similarity: SimilarityName | null;
  /** Exponent of the overlap of launches and computations; 1: none. */
  readonly overlap: number;
  /** Cells count as they are written too: for tables that were taken without a graph compiler. */
  readonly declared: boolean;
  /** What other devices say beforehand. */
  readonly prior?: SourcePrior;
  /** Parts of the samples that were timed by themselves. */
  readonly parts?: readonly Part[];
}

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

/** Everything that a fit starts from; latencies are in units of `scale`. Parts are rows after those of the samples. */
interface Setting {
  readonly catalogue: Catalogue;
  readonly samples: readonly Sample[];
  readonly profiles: readonly Profile[];
  readonly columns: Columns;
  readonly scale: number;
  readonly target: Float64Array;
  /** Variance of each sample's noise, in units of the noise's. */
  readonly noise: Float64Array;
  /** Errors of the parts' times. */
  readonly errors: PartErrors | null;
  readonly mean: Float64Array;
  readonly prior: Float64Array;
  readonly free: Regression['free'];
  readonly options: PricedOptions;
}

/** @throws RangeError without samples, and for latencies that are not positive numbers. */
export function fitPriced(catalogue: Catalogue, samples: readonly Sample[], options: PricedOptions): PricedFit {
  const wrong = samples.find(({ ms }) => !(ms > 0 && ms < Infinity));
  if (samples.length === 0 || wrong !== undefined)
    throw new RangeError(`a latency model is fitted to positive latencies, not to ${wrong?.ms ?? 'nothing'}`);
  const setting = withoutOutliers(prepare(catalogue, samples, options));
  return finish(setting, iterate(setting), samples);
}

function prepare(catalogue: Catalogue, samples: readonly Sample[], options: PricedOptions): Setting {
  const { prior, parts = [], declared } = options;
  const networks = samples.map(({ profile }) => profile);
  const heavy = prior?.heavy ?? heavyTraffic(catalogue, networks);
  const columns = columnsOf(catalogue, networks, heavy, declared);
  const q = columns.names.length;
  const sourced = prior?.shares(columns);
  const alone = diagonal(columns.isDetail.map((detail) => (detail ? 0 : shareSize ** 2)));
  const ratios = samples.map(({ ms }, i) => (sourced === undefined ? ms : ms / dot(columns.rows[i], sourced.mean)));
  const scale = median(ratios);
  const middle = median(samples.map(({ ms }) => ms)) / scale;
  return {
    catalogue,
    samples,
    profiles: [...networks, ...parts.map(({ profile }) => profile)],
    columns: {
      ...columns,
      rows: [...columns.rows, ...parts.map(({ profile }) => partRow(catalogue, profile, columns))],
    },
    scale,
    target: Float64Array.from([...samples, ...parts], ({ ms }) => ms / scale),
    noise: Float64Array.from([
      ...samples.map(({ ms }) => Math.max(ms / scale, smallestShare * middle) ** 2),
      ...parts.map(() => 0),
    ]),
    errors: parts.length === 0 ? null : partErrors(parts, samples.length, scale),
    mean: sourced?.mean ?? new Float64Array(q),
    prior: sourced?.covariance ?? alone,
    free:
      sourced === undefined
        ? [{ matrix: diagonal(columns.isDetail.map(Number)), ...expected.details }]
        : // A device may have shares of its own around those of the sources, or be like none of them.
          [
            { matrix: diagonal(sourced.own), ...expected.own },
            { matrix: alone, ...expected.alone },
          ],
    options,
  };
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

function regression(
  setting: Setting,
  noise: Float64Array,
  rows: readonly Float64Array[],
  deviations: readonly Component[],
): Regression {
  const { target, mean, prior, free, errors } = setting;
  const n = target.length;
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * n + i] = noise[i];
  return {
    target,
    rows,
    mean,
    prior,
    free,
    ...(errors === null ? {} : { errors: errors.known }),
    components: [{ matrix, ...expected.noise }, ...deviations, ...(errors === null ? [] : [errors.share])],
  };
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

const pricesOf = ({ names, means }: Columns, weights: readonly number[], scale: number): Map<string, number> =>
  new Map(names.map((name, j) => [name, (scale * weights[j]) / means[j]]));

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
