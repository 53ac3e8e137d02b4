import { median } from '../statistics.js';
import { columnsOf, type Columns } from './columns.js';
import type { Catalogue, Profile, Sample } from './features.js';
import type { ModelKind } from './linear-cost-model.js';
import { diagonal, type Component, type Regression } from './regression.js';

/** Noise is relative to the latency, or to this share of the median where that is more. */
const minShare = 0.3;
/** Prior standard deviation of a column's share of the latency. */
const shareSize = 0.3;
/** Normal priors of the logarithms of the components' standard deviations. */
export const sizePriors = {
  noise: { centre: -3.7, spread: 1 },
  layers: { centre: -1.5, spread: 0.7 },
  details: { centre: -2.3, spread: 0.7 },
} as const;

export interface LinearCostOptions {
  readonly kind: ModelKind;
  /** Exponent of the overlap of launches and computations; 1: none. */
  readonly overlap: number;
}

/** The input of a fit, in units of `scale` ms: one row for each sample. */
export interface FitData {
  readonly catalogue: Catalogue;
  readonly samples: readonly Sample[];
  readonly profiles: readonly Profile[];
  readonly columns: Columns;
  readonly scale: number;
  readonly target: Float64Array;
  /** Relative variance of each row's noise. */
  readonly noise: Float64Array;
  readonly prior: Float64Array;
  readonly free: Regression['free'];
  readonly options: LinearCostOptions;
}

export function prepare(catalogue: Catalogue, samples: readonly Sample[], options: LinearCostOptions): FitData {
  const profiles = samples.map(({ profile }) => profile);
  const columns = columnsOf(catalogue, profiles);
  const scale = median(samples.map(({ ms }) => ms));
  return {
    catalogue,
    samples,
    profiles,
    columns,
    scale,
    target: Float64Array.from(samples, ({ ms }) => ms / scale),
    noise: Float64Array.from(samples, ({ ms }) => Math.max(ms / scale, minShare) ** 2),
    prior: diagonal(columns.isDetail.map((detail) => (detail ? 0 : shareSize ** 2))),
    free: [{ matrix: diagonal(columns.isDetail.map(Number)), ...sizePriors.details }],
    options,
  };
}

/** The regression at the given noise, with further deviations. */
export function regression(
  data: FitData,
  noise: Float64Array,
  rows: readonly Float64Array[],
  deviations: readonly Component[],
): Regression {
  const { target, prior, free } = data;
  return { target, rows, prior, free, components: [{ matrix: diagonal(noise), ...sizePriors.noise }, ...deviations] };
}

/** The cost of a unit of each column. */
export const unitCostsOf = (
  { names, means }: Columns,
  weights: readonly number[],
  scale: number,
): Map<string, number> => new Map(names.map((name, j) => [name, (scale * weights[j]) / means[j]]));
