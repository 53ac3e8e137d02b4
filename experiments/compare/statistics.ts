/** A middle value and the range of the middle half. */
export interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** The quantile of sorted values, interpolated between neighbours (R's type 7); infinite neighbours stay infinite. */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const [a, b] = [sorted[below], sorted[Math.ceil(at)]];
  return a === b ? a : a + (at - below) * (b - a);
}

/** @param values at least one. */
export function quartilesOf(values: readonly number[]): Quartiles {
  const sorted = values.toSorted((a, b) => a - b);
  return { low: quantile(sorted, 0.25), median: quantile(sorted, 0.5), high: quantile(sorted, 0.75) };
}

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Quartiles of several groups as one: each the mean over the groups. */
export const meanQuartiles = (groups: readonly Quartiles[]): Quartiles => ({
  low: mean(groups.map(({ low }) => low)),
  median: mean(groups.map(({ median }) => median)),
  high: mean(groups.map(({ high }) => high)),
});
