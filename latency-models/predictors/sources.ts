import { Cholesky } from '../../base/linear-algebra.js';
import { dot } from '../../base/linear-algebra.js';
import { mean } from '../statistics.js';
import { columnsOf, heavyTraffic, layerCost, type Columns } from './columns.js';
import type { Catalogue, Column, Profile, Sample } from './features.js';
import { minimiseNonNegative, normalEquations } from './nnls.js';

/** Weight of the shared size of all prices and of what the sources differ in, in the prior. */
const priorSizes = { common: 0.05, between: 4 } as const;
/** Variance of the constant's share, and the least of any other share (before `own`). */
const [constantVariance, minVariance] = [0.05, 0.001];
/** Ridge of a source's prices, on shares, for each row. */
const ridge = 1e-5;
/** Ridge of the layers' deviations of a source, for each row. */
const layerRidge = 1e-5;
/** With more distinct layers than this, those of a source are told by their totals alone. */
const maxLayers = 400;
/** How likely a device is taken to be unlike all sources, before it is measured. */
export const unlikeSources = 0.25;
const smallestShare = 0.3;
/** Latencies of a source beyond these ranks count as if they were there. */
const [lowRank, highRank] = [0.002, 0.998];

/** What a table of a device says, in units of its mean latency. */
interface Source {
  readonly unitCosts: ReadonlyMap<Column, number>;
  /** What each layer takes beyond its price. */
  readonly layers: ReadonlyMap<string, number>;
}

/** Shares of the latency by column, as other devices have them. */
export interface Shares {
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
  /** Variances of what a device has on its own, up to a factor. */
  readonly own: readonly number[];
}

/** What several devices have in common, as a prior for another one. */
export class SourcePrior {
  constructor(
    /** The traffic from which convolutions are heavy. */
    readonly heavy: number,
    private readonly sources: readonly Source[],
  ) {}

  /** What the shares of the latency by column are on other devices. */
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

  /** The covariance of the samples' deviations, had they those of the sources in unknown proportions. */
  deviations(catalogue: Catalogue, profiles: readonly Profile[]): { readonly covariance: Float64Array } | null {
    if (this.sources.every(({ layers }) => layers.size === 0)) return null;
    const rows = this.rows(catalogue, profiles);
    const n = rows.length;
    return {
      covariance: Float64Array.from(
        { length: n * n },
        (_, k) => dot(rows[Math.floor(k / n)], rows[k % n]) / this.sources.length,
      ),
    };
  }

  /** Milliseconds of each layer beyond its price, given the samples' dual weights. */
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

  /** What each source's layers of each network take beyond their prices. */
  private rows(catalogue: Catalogue, profiles: readonly Profile[]): Float64Array[] {
    return profiles.map(({ layers, counts }) =>
      Float64Array.from(this.sources, ({ layers: own }) =>
        layers.reduce((sum, i, k) => sum + counts[k] * (own.get(catalogue.layers[i].key) ?? 0), 0),
      ),
    );
  }
}

/**
 * Learns from full tables of other devices.
 * @param tables one list of samples a device, all over the same catalogue.
 */
export function learnSources(
  catalogue: Catalogue,
  tables: readonly (readonly Sample[])[],
  declared: boolean,
): SourcePrior {
  const profiles = tables.flatMap((table) => table.map(({ profile }) => profile));
  const distinct = [...new Set(profiles)];
  const heavy = heavyTraffic(catalogue, distinct);
  const columns = columnsOf(catalogue, distinct, heavy, [declared ? 'written' : 'live']);
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
  const weights = target.map((value) => 1 / Math.max(value, smallestShare));
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

/** What each layer takes beyond its price, by ridge regression of the residuals; none where layers are too many. */
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
  const price = layers.map((layer) => Math.max(layerCost(catalogue.layers[layer], unitCosts, heavy), 1e-4));
  const gram = new Float64Array(m * m);
  const moment = new Float64Array(m);
  for (const [i, { profile }] of table.entries()) {
    const entries = profile.layers.map((layer, k) => {
      const at = place.get(layer) ?? 0;
      return [at, profile.counts[k] * price[at]] as const;
    });
    for (const [a, x] of entries) {
      moment[a] += x * residual[i];
      for (const [b, y] of entries) gram[a * m + b] += x * y;
    }
  }
  for (let a = 0; a < m; a++) gram[a * m + a] += layerRidge * table.length;
  const ratios = Cholesky.of(gram, m).solve(moment);
  return new Map(layers.map((layer, k) => [catalogue.layers[layer].key, ratios[k] * price[k]]));
}
