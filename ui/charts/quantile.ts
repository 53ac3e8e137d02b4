/** The value below which a share of sorted values lies, between two of them in proportion (R's type 7). */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const [a, b] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return a + (at - Math.floor(at)) * (b - a);
}
