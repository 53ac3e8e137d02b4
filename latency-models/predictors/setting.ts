import { columnsOf, heavyTraffic, partRow, type Columns } from './columns.js';
import type { Component } from './evidence.js';
import type { Catalogue, Profile, Sample } from './catalogue.js';
import type { Execution } from './executions.js';
import { partErrors, type Part, type PartErrors } from './parts.js';
import type { ModelKind } from './priced-model.js';
import { diagonal, dot, type Regression } from './regression.js';
import type { SimilarityName } from './layer-deviations.js';
import type { SourcePrior } from './sources.js';
import { median } from '../statistics.js';

/** Errors count relative to the latency, but below this share of the median as if it were that share. */
const smallestShare = 0.3;
/** Standard deviation of a column's share of the latency. */
const shareSize = 0.3;
/** What sizes of components are expected to be, as logarithms of standard deviations with their own. */
export const expected = {
  noise: { centre: -3.7, spread: 1 },
  layers: { centre: -1.5, spread: 0.7 },
  details: { centre: -2.3, spread: 0.7 },
  own: { centre: -1.15, spread: 1 },
  alone: { centre: -2.2, spread: 1 },
  sources: { centre: -2.3, spread: 1 },
} as const;

export interface PricedOptions {
  readonly kind: ModelKind;
  /** What layers' deviations have in common; null: layers do not deviate. */
  readonly similarity: SimilarityName | null;
  /** Exponent of the overlap of launches and computations; 1: none. */
  readonly overlap: number;
  /** How the device executes cells. */
  readonly execution: Execution;
  /** What other devices say beforehand. */
  readonly prior?: SourcePrior;
  /** Parts of the samples that were timed by themselves. */
  readonly parts?: readonly Part[];
}

/** Everything that a fit starts from; latencies are in units of `scale`. Parts are rows after those of the samples. */
export interface Setting {
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

export function prepare(catalogue: Catalogue, samples: readonly Sample[], options: PricedOptions): Setting {
  const { prior, parts = [], execution } = options;
  const networks = samples.map(({ profile }) => profile);
  const heavy = prior?.heavy ?? heavyTraffic(catalogue, networks);
  const columns = columnsOf(catalogue, networks, heavy, [execution]);
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

/** The regression of a setting at the given noise, with deviations of layers. */
export function regression(
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

/** The price of a unit of each column, in units of `scale`. */
export const pricesOf = ({ names, means }: Columns, weights: readonly number[], scale: number): Map<string, number> =>
  new Map(names.map((name, j) => [name, (scale * weights[j]) / means[j]]));
