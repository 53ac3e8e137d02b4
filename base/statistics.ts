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
