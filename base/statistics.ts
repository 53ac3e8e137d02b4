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
