/** The sum in the order of the values; 0 when there are none. */
export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** NaN when there are no values. */
export const mean = (values: Iterable<number> & ArrayLike<number>): number => sum(values) / values.length;

export const meanOrZero = (values: readonly number[]): number => (values.length === 0 ? 0 : mean(values));

/** The product in the order of the values; 1 when there are none, as for the size of a scalar's shape. */
export const product = (values: readonly number[]): number => values.reduce((a, b) => a * b, 1);

/**
 * The q-quantile of ascending values, linear between order statistics (Hyndman & Fan 1996, type 7). Between equal infinities it
 * is infinite. NaN when there are no values.
 */
export function quantile(sorted: readonly number[], q: number): number {
  if (sorted.length === 0) return NaN;
  const position = (sorted.length - 1) * q;
  const [low, high] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
  return low === high ? low : low + (high - low) * (position - Math.floor(position));
}

/** At most `max` items, evenly spaced, including first and last. */
export function evenly<T>(items: readonly T[], max: number): readonly T[] {
  if (items.length <= max) return items;
  return Array.from({ length: max }, (_, i) => items[Math.round((i * (items.length - 1)) / (max - 1))]);
}
