import { quantile } from '../../base/statistics.js';
import { ascending } from '../statistics.js';
import type { Catalogue, Column, LayerFeatures, Profile, Term } from './features.js';

/** Layers with more traffic than this quantile of all convolutions are heavy: they take longer than their launch. */
const heavyQuantile = 0.75;

/** Columns that refine others; their prior is smaller, so they need more evidence. */
const isDetail = (column: Column): boolean =>
  column.endsWith('_values') || column.startsWith('heavy_') || details.has(column) || surcharges.has(column);
const details: ReadonlySet<Column> = new Set(['elementwise_traffic', 'dense_macs']);

/** Extra costs of some layers of a kind; a fit that has seen other layers of the kind covers such layers too. */
export const surcharges: ReadonlySet<Column> = new Set(['strided_depthwise_rows', 'channel_padding', 'narrow_traffic']);

const heavyColumn: Readonly<Record<string, Column>> = {
  conv: 'heavy_conv_traffic',
  depthwise: 'heavy_depthwise_traffic',
};

const heavyOf = ({ family }: LayerFeatures): Column | undefined => heavyColumn[family.split('/')[0]];

/**
 * A layer's terms, with its traffic beyond `heavy` values as a term of its own. The launch and this term together are the
 * roofline of a heavy layer: max(launch, traffic / bandwidth).
 */
export function termsOf(layer: LayerFeatures, heavy: number): readonly Term[] {
  const column = heavyOf(layer);
  return column === undefined || layer.traffic <= heavy
    ? layer.terms
    : [...layer.terms, [column, layer.traffic - heavy]];
}

/** The cost of each column's unit in ms. An absent column is unknown, not free. */
export type UnitCosts = ReadonlyMap<Column, number>;

export const sumOf = (terms: Iterable<Term>, unitCosts: UnitCosts): number => {
  let sum = 0;
  for (const [column, amount] of terms) sum += (unitCosts.get(column) ?? 0) * amount;
  return sum;
};

/** The traffic from which convolutions are heavy, in values: a quantile over all executed convolutions. */
function heavyTraffic(catalogue: Catalogue, profiles: readonly Profile[]): number {
  const all = profiles.flatMap(({ layers, counts }) =>
    layers.flatMap((i, k) => {
      const layer = catalogue.layers[i];
      return heavyOf(layer) === undefined ? [] : new Array<number>(counts[k]).fill(layer.traffic);
    }),
  );
  return all.length === 0 ? 0 : quantile(ascending(all), heavyQuantile);
}

/** The totals of some networks, as columns of mean 1. */
export interface Columns {
  readonly names: readonly Column[];
  readonly isDetail: readonly boolean[];
  readonly means: readonly number[];
  readonly heavy: number;
  /** One row for each network. */
  readonly rows: readonly Float64Array[];
}

/** The totals of one network by column; the constant is 1. */
export function totalsOf(catalogue: Catalogue, { layers, counts }: Profile, heavy: number): Map<Column, number> {
  const totals = new Map<Column, number>([['constant', 1]]);
  for (const [k, i] of layers.entries())
    for (const [column, amount] of termsOf(catalogue.layers[i], heavy))
      totals.set(column, (totals.get(column) ?? 0) + counts[k] * amount);
  return totals;
}

export function columnsOf(catalogue: Catalogue, profiles: readonly Profile[]): Columns {
  const heavy = heavyTraffic(catalogue, profiles);
  const totals = profiles.map((profile) => totalsOf(catalogue, profile, heavy));
  const sums = new Map<Column, number>();
  for (const own of totals)
    for (const [column, amount] of own) if (amount > 0) sums.set(column, (sums.get(column) ?? 0) + amount);
  const names = [...sums.keys()].sort();
  const means = names.map((column) => (sums.get(column) ?? 0) / profiles.length);
  return {
    names,
    isDetail: names.map(isDetail),
    means,
    heavy,
    rows: totals.map((own) => Float64Array.from(names, (column, j) => (own.get(column) ?? 0) / means[j])),
  };
}
