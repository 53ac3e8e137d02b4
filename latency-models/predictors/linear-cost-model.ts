import { z } from 'zod';
import { dot } from '../../base/linear-algebra.js';
import type { Network } from '../../spaces/index.js';
import { launchColumns, layerCost, sumOf, surcharges, termsOf, type UnitCosts } from './columns.js';
import { Catalogue, type KnownLayers, type LayerFeatures, type Profile } from './features.js';

export interface Prediction {
  readonly ms: number;
  /** Standard deviation of the error, in ms. */
  readonly std: number;
  /** Share of the network's work that the model has evidence for, in [0, 1]; the rest is extrapolated. */
  readonly coverage: number;
}

/** A measured network. */
export interface Observation {
  readonly network: Network;
  readonly ms: number;
}

export interface LatencyModel {
  readonly kind: string;
  predict(network: Network): Prediction;
  toJSON(): object;
}

export interface ProfileModel extends LatencyModel {
  predictProfile(catalogue: Catalogue, profile: Profile): Prediction;
}

export const modelKinds = ['additive', 'gaussian-process'] as const;
export type ModelKind = (typeof modelKinds)[number];

const unitCosts = z.record(z.string(), z.number().min(0));

/** The stored form of a model. Older files have further keys, which are ignored. */
export const linearCostSchema = z.object({
  version: z.literal(3),
  kind: z.enum(modelKinds),
  /** Columns that the fit has not seen are absent, not 0. */
  ms_per_unit: unitCosts,
  /** Traffic from which a convolution is heavy, in values. */
  heavy_traffic: z.number().min(0),
  /** The exponent p of (launches^p + computations^p)^(1/p); 1: one after the other. */
  overlap: z.number().min(1),
  /** Deviations of layers from their linear cost; null: none. */
  deviations: z
    .object({
      /** The unit costs that deviations are relative to. */
      ms_per_unit: unitCosts,
      /** Standard deviation of a layer that is similar to none of these. */
      size: z.number().min(0),
      layers: z.array(z.object({ family: z.string(), place: z.array(z.number()), weight: z.number() })),
    })
    .nullable(),
  floor_ms: z.number().gt(0),
  /** Standard deviation of leave-one-out errors, as a share of the prediction. */
  relative_std: z.number().min(0),
  observations: z.number().int().min(1),
});
type LinearCostData = z.output<typeof linearCostSchema>;

/** Bounds extrapolation. */
const minCoverage = 1e-3;

interface LayerCost {
  readonly launch: number;
  readonly compute: number;
  readonly deviation: number;
  /** Standard deviation of `deviation`, for a layer unlike the measured ones. */
  readonly unknown: number;
  readonly covered: boolean;
  readonly work: number;
}

/** (a^p + b^p)^(1/p), and its derivative by b. */
export function overlapped(a: number, b: number, power: number): { readonly sum: number; readonly byCompute: number } {
  if (power === 1) return { sum: a + b, byCompute: 1 };
  // Not Number.MIN_VALUE: ONNX Runtime makes the process flush such small numbers to zero.
  const larger = Math.max(a, b, 1e-300);
  const sum = larger * ((a / larger) ** power + (b / larger) ** power) ** (1 / power);
  return { sum, byCompute: (b / sum) ** (power - 1) };
}

/**
 * Latency as a linear function of physical totals (multiply-accumulates by kind, activation traffic, launches, parameters),
 * plus deviations of single layers, predicted from similar layers.
 */
export class LinearCostModel implements ProfileModel {
  readonly kind: ModelKind;
  private readonly unitCosts: UnitCosts;
  private readonly reference: UnitCosts;
  private readonly costs = new Map<string, LayerCost>();
  private readonly known: KnownLayers = new Map();

  constructor(private readonly data: LinearCostData) {
    this.kind = data.kind;
    this.unitCosts = new Map(Object.entries(data.ms_per_unit));
    this.reference = new Map(Object.entries(data.deviations?.ms_per_unit ?? {}));
  }

  /**
   * Layers with work of a kind that the fit has not seen are uncovered. They cost the mean of the covered layers per unit of
   * work (multiply-accumulates, or values where there are none), and that cost counts as error in `std`.
   */
  predict(network: Network): Prediction {
    const catalogue = new Catalogue(this.known);
    return this.predictProfile(catalogue, catalogue.profile(network));
  }

  predictProfile(catalogue: Catalogue, { layers, counts }: Profile): Prediction {
    const { data } = this;
    let launch = this.unitCosts.get('constant') ?? 0;
    let compute = 0;
    let deviation = 0;
    let unknown = 0;
    let [work, covered] = [0, 0];
    for (const [k, i] of layers.entries()) {
      const count = counts[k];
      const layer = catalogue.layers[i];
      const cost = this.costOf(layer);
      launch += count * cost.launch;
      compute += count * cost.compute;
      deviation += count * cost.deviation;
      unknown += (count * cost.unknown) ** 2;
      work += count * cost.work;
      if (cost.covered) covered += count * cost.work;
    }
    const { sum, byCompute } = overlapped(launch, compute, data.overlap);
    const explained = Math.max(sum + byCompute * deviation, data.floor_ms);
    const coverage = work === 0 ? 1 : covered / work;
    const extrapolated = explained * (1 / Math.max(coverage, minCoverage) - 1);
    return {
      ms: explained + extrapolated,
      std: Math.hypot(data.relative_std * explained, extrapolated, Math.sqrt(unknown)),
      coverage,
    };
  }

  toJSON(): LinearCostData {
    return this.data;
  }

  private costOf(layer: LayerFeatures): LayerCost {
    const known = this.costs.get(layer.key);
    if (known !== undefined) return known;
    const { heavy_traffic: heavy } = this.data;
    const terms = termsOf(layer, heavy);
    const launch = sumOf(
      terms.filter(([column]) => launchColumns.has(column)),
      this.unitCosts,
    );
    const { ratio, unknown } = this.deviationOf(layer);
    const reference = layerCost(layer, this.reference, heavy);
    const cost: LayerCost = {
      launch,
      compute: sumOf(terms, this.unitCosts) - launch,
      deviation: reference * ratio,
      unknown: reference * unknown,
      // Heavy layers and layers with surcharges count as covered by the other layers of their kind.
      covered: layer.terms.every(([column]) => this.unitCosts.has(column) || surcharges.has(column)),
      work: layer.work,
    };
    this.costs.set(layer.key, cost);
    return cost;
  }

  private deviationOf(layer: LayerFeatures): { readonly ratio: number; readonly unknown: number } {
    const { deviations } = this.data;
    if (deviations === null) return { ratio: 0, unknown: 0 };
    let [ratio, nearest] = [0, 0];
    for (const other of deviations.layers) {
      const alike = similarity(layer, other);
      ratio += alike * other.weight;
      nearest = Math.max(nearest, alike);
    }
    return { ratio, unknown: deviations.size * Math.sqrt(1 - nearest ** 2) };
  }
}

/**
 * The correlation of two layers' deviations, in [0, 1]: the squared exponential of the distance between layers of a family,
 * with a length of about an octave of their sizes.
 */
function similarity(a: Pick<LayerFeatures, 'family' | 'place'>, b: Pick<LayerFeatures, 'family' | 'place'>): number {
  if (a.family !== b.family) return 0;
  let squares = 0;
  for (let i = 0; i < a.place.length; i++) squares += (a.place[i] - b.place[i]) ** 2;
  return Math.exp(-squares / 2);
}

export interface LayerShares {
  readonly layers: readonly number[];
  /** For each sample the shares of `layers` in its latency. */
  readonly rows: readonly Float64Array[];
}

/** The similarities of all pairs of layers; row-major. */
export function likeness({ layers: all }: Catalogue, layers: readonly number[]): Float64Array {
  const m = layers.length;
  const alike = new Float64Array(m * m);
  for (let a = 0; a < m; a++)
    for (let b = 0; b <= a; b++) alike[a * m + b] = alike[b * m + a] = similarity(all[layers[a]], all[layers[b]]);
  return alike;
}

/** The covariance of the samples' deviations. */
export function layerCovariance({ layers, rows }: LayerShares, alike: Float64Array): Float64Array {
  const m = layers.length;
  const n = rows.length;
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const right = new Float64Array(m);
    for (let a = 0; a < m; a++) {
      const own = rows[i][a];
      if (own === 0) continue;
      for (let b = 0; b < m; b++) right[b] += own * alike[a * m + b];
    }
    for (let j = 0; j <= i; j++) matrix[i * n + j] = matrix[j * n + i] = dot(rows[j], right);
  }
  return matrix;
}
