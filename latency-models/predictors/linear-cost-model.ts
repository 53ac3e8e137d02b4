import { z } from 'zod';
import { dot } from '../../base/linear-algebra.js';
import type { Network } from '../../spaces/index.js';
import type { LayerTime } from '../device.js';
import { launchColumns, layerCost, sumOf, surcharges, termsOf, type UnitCosts } from './columns.js';
import { Catalogue, isDeclared, type LayerFeatures, type Profile } from './features.js';

/** A latency that was predicted, with the model's own opinion of it. */
export interface Prediction {
  readonly ms: number;
  /** Standard deviation of the error, in ms. */
  readonly std: number;
  /** Share of the network's work that the model has evidence for, in [0, 1]; below 1 the rest is extrapolated. */
  readonly coverage: number;
}

/** A network and what was measured for it. */
export interface Observation {
  readonly network: Network;
  readonly ms: number;
  /** The times of its layers, where the device can tell them. */
  readonly layers?: readonly LayerTime[];
}

/** A fitted latency model; plain data in and out, so that it can be stored and printed. */
export interface LatencyModel {
  readonly kind: string;
  predict(network: Network): Prediction;
  toJSON(): object;
}

/** A latency model that predicts networks which were taken apart before. */
export interface ProfileModel extends LatencyModel {
  predictProfile(catalogue: Catalogue, profile: Profile): Prediction;
}

export const modelKinds = ['additive', 'lookup', 'gaussian-process', 'transfer'] as const;
export type ModelKind = (typeof modelKinds)[number];

const unitCosts = z.record(z.string(), z.number().min(0));

/** A fitted model as it is stored. */
export const linearCostSchema = z.strictObject({
  version: z.literal(3),
  kind: z.enum(modelKinds),
  /** Milliseconds for each unit of a column. A column that the fit has never seen is missing, not 0. */
  ms_per_unit: unitCosts,
  /** Values of traffic from which a convolution is heavy. */
  heavy_traffic: z.number().min(0),
  /** Launches and computations overlap: (launches^p + computations^p)^(1/p); 1: they follow each other. */
  overlap: z.number().min(1),
  /** How layers deviate from the prices of their totals; null: not at all. */
  deviations: z
    .strictObject({
      similarity: z.enum(['exact', 'near']),
      /** The prices that deviations are relative to. */
      ms_per_unit: unitCosts,
      /** Standard deviation of a layer that is like none of these. */
      size: z.number().min(0),
      layers: z.array(
        z.strictObject({ key: z.string(), family: z.string(), place: z.array(z.number()), weight: z.number() }),
      ),
    })
    .nullable(),
  /** Milliseconds that layers take beyond that, by configuration: what devices like this one have in common. */
  layer_ms: z.record(z.string(), z.number()),
  floor_ms: z.number().gt(0),
  /** Standard deviation of cross-validated errors as a share of the prediction. */
  relative_std: z.number().min(0),
  observations: z.number().int().min(1),
});
type LinearCostData = z.output<typeof linearCostSchema>;

/** Extrapolation is bounded for networks of which next to nothing is known. */
const smallestCoverage = 1e-3;

interface LayerCost {
  readonly launch: number;
  readonly compute: number;
  readonly deviation: number;
  /** Standard deviation of `deviation`, where the layer is like none that was measured. */
  readonly unknown: number;
  readonly covered: boolean;
  readonly work: number;
}

/** (a^p + b^p)^(1/p), and its derivative by b. */
export function overlapped(a: number, b: number, power: number): { readonly sum: number; readonly byCompute: number } {
  if (power === 1) return { sum: a + b, byCompute: 1 };
  // Numbers as small as Number.MIN_VALUE are flushed to zero where ONNX Runtime has run.
  const larger = Math.max(a, b, 1e-300);
  const sum = larger * ((a / larger) ** power + (b / larger) ** power) ** (1 / power);
  return { sum, byCompute: (b / sum) ** (power - 1) };
}

/**
 * Latency from the layers that a network executes: each has the price of its physical totals (multiply-accumulates by
 * kind, activation traffic, launches, parameters), times what layers like it were found to deviate.
 */
export class LinearCostModel implements ProfileModel {
  readonly kind: ModelKind;
  private readonly unitCosts: UnitCosts;
  private readonly reference: UnitCosts;
  private readonly costs = new Map<string, LayerCost>();

  constructor(private readonly data: LinearCostData) {
    this.kind = data.kind;
    this.unitCosts = new Map(Object.entries(data.ms_per_unit));
    this.reference = new Map(Object.entries(data.deviations?.ms_per_unit ?? {}));
  }

  /**
   * Layers with work of a kind that the fit has not seen are uncovered: they are charged the mean price of the covered
   * layers' work (multiply-accumulates, or values where there are none), and that charge counts as error in `std`. To a
   * look-up table all configurations that were not measured are uncovered; they have the price of their totals.
   */
  predict(network: Network): Prediction {
    const catalogue = new Catalogue();
    return this.predictProfile(catalogue, catalogue.profile(network));
  }

  /** As `predict`, of a network that was taken apart before. */
  predictProfile(catalogue: Catalogue, { layers, counts, declared }: Profile): Prediction {
    const { data } = this;
    let launch = this.unitCosts.get('constant') ?? 0;
    let compute = sumOf(declared, this.unitCosts);
    let deviation = 0;
    let unknown = 0;
    let [work, covered, listed] = [0, 0, 0];
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
      if (cost.covered && cost.unknown === 0) listed += count * cost.work;
    }
    const { sum, byCompute } = overlapped(launch, compute, data.overlap);
    const explained = Math.max(sum + byCompute * deviation, data.floor_ms);
    const coverage = work === 0 ? 1 : covered / work;
    const extrapolated = explained * (1 / Math.max(coverage, smallestCoverage) - 1);
    return {
      ms: explained + extrapolated,
      std: Math.hypot(data.relative_std * explained, extrapolated, Math.sqrt(unknown)),
      coverage: data.kind === 'lookup' && work > 0 ? listed / work : coverage,
    };
  }

  toJSON(): LinearCostData {
    return this.data;
  }

  private costOf(layer: LayerFeatures): LayerCost {
    const known = this.costs.get(layer.key);
    if (known !== undefined) return known;
    const { heavy_traffic: heavy, layer_ms: own } = this.data;
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
      deviation: reference * ratio + (own[layer.key] ?? 0),
      unknown: reference * unknown,
      // Heavy layers and those with surcharges are more of what others are.
      covered: layer.terms.every(
        ([column]) => this.unitCosts.has(column) || surcharges.has(column) || isDeclared(column),
      ),
      work: layer.work,
    };
    this.costs.set(layer.key, cost);
    return cost;
  }

  private deviationOf(layer: LayerFeatures): { readonly ratio: number; readonly unknown: number } {
    const { deviations } = this.data;
    if (deviations === null) return { ratio: 0, unknown: 0 };
    const similarity = similarities[deviations.similarity];
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
 * How much two layers' deviations from the prices of their totals have in common, in [0, 1]: `exact`, only layers of
 * the same configuration do; `near`, also layers of a family whose sizes are within about an octave (squared
 * exponential of the places).
 */
type Similarity = (
  a: Pick<LayerFeatures, 'key' | 'family' | 'place'>,
  b: Pick<LayerFeatures, 'key' | 'family' | 'place'>,
) => number;

const similarities = {
  exact: (a, b) => (a.key === b.key ? 1 : 0),
  near: (a, b) => {
    if (a.family !== b.family) return 0;
    let squares = 0;
    for (let i = 0; i < a.place.length; i++) squares += (a.place[i] - b.place[i]) ** 2;
    return Math.exp(-squares / 2);
  },
} as const satisfies Record<string, Similarity>;
export type SimilarityName = keyof typeof similarities;

/** How much each sample has of each layer that deviates, in shares of the latency. */
export interface LayerShares {
  readonly layers: readonly number[];
  /** One row a sample, over `layers`. */
  readonly rows: readonly Float64Array[];
}

/** How alike each two of the layers are; row-major. */
export function likeness({ layers: all }: Catalogue, layers: readonly number[], name: SimilarityName): Float64Array {
  const similarity = similarities[name];
  const m = layers.length;
  const alike = new Float64Array(m * m);
  for (let a = 0; a < m; a++)
    for (let b = 0; b <= a; b++) alike[a * m + b] = alike[b * m + a] = similarity(all[layers[a]], all[layers[b]]);
  return alike;
}

/** Covariance of the samples' deviations. */
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
