import { Cholesky, dot } from '../../base/linear-algebra.js';
import { mean } from '../../base/statistics.js';
import { columnsOf, heavyTraffic, layerCost, type Columns } from './columns.js';
import type { Catalogue, Column, Profile, Sample } from './features.js';
import { minimiseNonNegative, normalEquations } from './nnls.js';

/** Weights of the common scale and of the differences between sources in the prior. */
const priorSizes = { common: 0.05, between: 4 } as const;
/** Variance of the constant's own share, and the least of any other. */
const [constantVariance, minVariance] = [0.05, 0.001];
/** Ridges per row of the shares and of the layers' deviations. */
const [ridge, layerRidge] = [1e-5, 1e-5];
/** With more distinct layers, a source has no deviations of layers. */
const maxLayers = 400;
/** Prior probability that a device is unlike all sources. */
export const unlikeSources = 0.25;
/** Errors are relative to the latency, or to this share of the mean where that is more. */
const minShare = 0.3;
/** Latencies are clipped at these quantiles. */
const [lowRank, highRank] = [0.002, 0.998];

/** The fit to a source device's table, in units of its mean latency. */
interface Source {
  readonly unitCosts: ReadonlyMap<Column, number>;
  /** Deviations by layer. */
  readonly layers: ReadonlyMap<string, number>;
}

/** The prior of the columns' shares of the latency. */
interface Shares {
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
  /** Variances of a device's own shares, up to a factor. */
  readonly own: readonly number[];
}

/** The prior for a device that other devices give. */
export class SourcePrior {
  constructor(
    /** Traffic from which convolutions are heavy. */
    readonly heavy: number,
    private readonly sources: readonly Source[],
  ) {}

  shares({ names, means }: Columns): Shares {
    const q = names.length;
    const all = this.sources.map(({ unitCosts }) => names.map((name, j) => (unitCosts.get(name) ?? 0) * means[j]));
    const centre = Float64Array.from(names, (_, j) => mean(all.map((shares) => shares[j])));
    const covariance = new Float64Array(q * q);
    for (let i = 0; i < q; i++)
      for (let j = 0; j < q; j++) {
        const between = mean(all.map((shares) => (shares[i] - centre[i]) * (shares[j] - centre[j])));
        covariance[i * q + j] = priorSizes.common * centre[i] * centre[j] + priorSizes.between * between;
      }
    const own = names.map((name, j) => (name === 'constant' ? constantVariance : centre[j] ** 2 + minVariance));
    return { mean: centre, covariance, own };
  }

  /** The covariance of the samples' deviations as unknown mixtures of the sources'; null when sources have none. */
  deviations(catalogue: Catalogue, profiles: readonly Profile[]): Float64Array | null {
    if (this.sources.every(({ layers }) => layers.size === 0)) return null;
    const rows = this.rows(catalogue, profiles);
    return Float64Array.from(rows.flatMap((a) => rows.map((b) => dot(a, b) / this.sources.length)));
  }

  /** The deviation of each layer in ms, given the samples' dual weights. */
  layerMs(
    catalogue: Catalogue,
    profiles: readonly Profile[],
    dual: Float64Array,
    size: number,
    scale: number,
  ): Record<string, number> {
    const rows = this.rows(catalogue, profiles);
    const result: Record<string, number> = {};
    for (const [d, { layers }] of this.sources.entries()) {
      const weight =
        (scale * size ** 2 * rows.reduce((sum, row, i) => sum + row[d] * dual[i], 0)) / this.sources.length;
      for (const [key, own] of layers) result[key] = (result[key] ?? 0) + weight * own;
    }
    return result;
  }

  /** For each network its total deviation by source. */
  private rows(catalogue: Catalogue, profiles: readonly Profile[]): Float64Array[] {
    return profiles.map(({ layers, counts }) =>
      Float64Array.from(this.sources, ({ layers: own }) =>
        layers.reduce((sum, i, k) => sum + counts[k] * (own.get(catalogue.layers[i].key) ?? 0), 0),
      ),
    );
  }
}

/** @param tables full tables of other devices: one list of samples per device, over the same catalogue. */
export function learnSources(catalogue: Catalogue, tables: readonly (readonly Sample[])[]): SourcePrior {
  const profiles = tables.flatMap((table) => table.map(({ profile }) => profile));
  const distinct = [...new Set(profiles)];
  const heavy = heavyTraffic(catalogue, distinct);
  const columns = columnsOf(catalogue, distinct, heavy, ['written']);
  const rows = new Map(distinct.map((profile, i) => [profile, columns.rows[i]]));
  return new SourcePrior(
    heavy,
    tables.map((table) => learn(catalogue, table, columns, rows)),
  );
}

function clipped(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q: number): number => sorted[Math.round(q * (sorted.length - 1))];
  const [low, high] = [at(lowRank), at(highRank)];
  return values.map((value) => Math.min(Math.max(value, low), high));
}

function learn(
  catalogue: Catalogue,
  table: readonly Sample[],
  columns: Columns,
  rowOf: ReadonlyMap<Profile, Float64Array>,
): Source {
  const average = mean(table.map(({ ms }) => ms));
  const target = clipped(table.map(({ ms }) => ms / average));
  const rows = table.map(({ profile }) => rowOf.get(profile) ?? new Float64Array(columns.names.length));
  const weights = target.map((value) => 1 / Math.max(value, minShare));
  const shares = minimiseNonNegative(
    normalEquations(
      rows.map((row, i) => row.map((value) => value * weights[i])),
      target.map((value, i) => value * weights[i]),
      ridge * table.length,
    ),
  );
  const unitCosts = new Map(columns.names.map((name, j) => [name, shares[j] / columns.means[j]]));
  const residual = target.map((value, i) => value - dot(rows[i], shares));
  return { unitCosts, layers: layerDeviations(catalogue, table, residual, unitCosts, columns.heavy) };
}

/** The deviation of each layer from its linear cost, by ridge regression of the residuals; none with too many layers. */
function layerDeviations(
  catalogue: Catalogue,
  table: readonly Sample[],
  residual: readonly number[],
  unitCosts: ReadonlyMap<Column, number>,
  heavy: number,
): Map<string, number> {
  const layers = [...new Set(table.flatMap(({ profile }) => profile.layers))].sort((a, b) => a - b);
  const m = layers.length;
  if (m > maxLayers) return new Map();
  const place = new Map(layers.map((layer, k) => [layer, k]));
  const cost = layers.map((layer) => Math.max(layerCost(catalogue.layers[layer], unitCosts, heavy), 1e-4));
  const gram = new Float64Array(m * m);
  const moment = new Float64Array(m);
  for (const [i, { profile }] of table.entries()) {
    const entries = profile.layers.map((layer, k) => {
      const at = place.get(layer) ?? 0;
      return [at, profile.counts[k] * cost[at]] as const;
    });
    for (const [a, x] of entries) {
      moment[a] += x * residual[i];
      for (const [b, y] of entries) gram[a * m + b] += x * y;
    }
  }
  for (let a = 0; a < m; a++) gram[a * m + a] += layerRidge * table.length;
  const ratios = Cholesky.of(gram, m).solve(moment);
  return new Map(layers.map((layer, k) => [catalogue.layers[layer].key, ratios[k] * cost[k]]));
}
