import { termsOf } from './columns.js';
import type { Column, LayerFeatures, Term } from './layer-features.js';

/** Prices of the columns, in ms for each unit. A column without a price is unknown, not free. */
export type Prices = ReadonlyMap<Column, number>;

/** What a layer costs at given prices. */
export function priceOf(layer: LayerFeatures, prices: Prices, heavy: number): number {
  return sumOf(termsOf(layer, heavy), prices);
}

export const sumOf = (terms: Iterable<Term>, prices: Prices): number => {
  let sum = 0;
  for (const [column, amount] of terms) sum += (prices.get(column) ?? 0) * amount;
  return sum;
};
