import type { Random } from '../base/random.js';
import { mean, quantile, sum } from '../base/statistics.js';

export const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

export const median = (values: readonly number[]): number => quantile(ascending(values), 0.5);

/**
 * The mean of the middle half of ascending values, as robust as the quartiles but using half of the samples. Values at a
 * quartile count in part. `weights`: how often each value occurs; default: once.
 */
export function interquartileMean(sorted: readonly number[], weights?: readonly number[]): number {
  const total = weights === undefined ? sorted.length : sum(weights);
  const [low, high] = [total / 4, (3 * total) / 4];
  let before = 0;
  let middle = 0;
  for (let i = 0; i < sorted.length && before < high; i++) {
    const after = before + (weights === undefined ? 1 : weights[i]);
    const inside = Math.min(after, high) - Math.max(before, low);
    if (inside > 0) middle += inside * sorted[i];
    before = after;
  }
  return middle / (high - low);
}

/**
 * 95 % confidence interval of the interquartile mean by the cluster bootstrap: whole blocks are drawn with replacement, as
 * successive samples are not independent (Davison & Hinkley 1997, section 3.8).
 */
export function blockBootstrap(
  blocks: readonly (readonly number[])[],
  random: Random,
  resamples = 400,
): readonly [low: number, high: number] {
  const samples = blocks
    .flatMap((values, block) => values.map((value) => ({ value, block })))
    .sort((a, b) => a.value - b.value);
  const values = samples.map(({ value }) => value);
  const centres = Array.from({ length: resamples }, () => {
    const drawn = new Array<number>(blocks.length).fill(0);
    for (let i = 0; i < blocks.length; i++) {
      const block = random.int(blocks.length);
      drawn[block]++;
    }
    return interquartileMean(
      values,
      samples.map(({ block }) => drawn[block]),
    );
  });
  const sorted = ascending(centres);
  return [quantile(sorted, 0.025), quantile(sorted, 0.975)];
}

/** Ranks from 1; equal values share the mean of their ranks. */
export function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const result = new Array<number>(values.length).fill(0);
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) result[order[i]] = (start + end + 1) / 2;
    start = end;
  }
  return result;
}

function pearson(x: readonly number[], y: readonly number[]): number {
  const [meanX, meanY] = [mean(x), mean(y)];
  let [xy, xx, yy] = [0, 0, 0];
  x.forEach((value, i) => {
    const [dx, dy] = [value - meanX, y[i] - meanY];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  });
  return xy / Math.sqrt(xx * yy);
}

/** NaN has no rank. */
const ranked = (values: readonly number[]): boolean => !values.some(Number.isNaN);

/**
 * Spearman's rank correlation with ties, in [-1, 1]; NaN when a side is constant or holds NaN, or there are fewer than two
 * pairs.
 */
export const spearman = (x: readonly number[], y: readonly number[]): number =>
  ranked(x) && ranked(y) ? pearson(ranks(x), ranks(y)) : NaN;

/** The number of equal pairs in ascending values. */
function tiedPairs(sorted: ArrayLike<number>): number {
  let pairs = 0;
  for (let start = 0, end = 0; start < sorted.length; start = end) {
    while (end < sorted.length && sorted[end] === sorted[start]) end++;
    pairs += ((end - start) * (end - start - 1)) / 2;
  }
  return pairs;
}

/** Merge sort in place; returns the number of inversions. */
function sortCountingInversions(values: Float64Array): number {
  let from: Float64Array = values;
  let to: Float64Array = new Float64Array(values.length);
  let inversions = 0;
  for (let width = 1; width < values.length; width *= 2) {
    for (let start = 0; start < values.length; start += 2 * width) {
      const middle = Math.min(start + width, values.length);
      const end = Math.min(start + 2 * width, values.length);
      let [left, right] = [start, middle];
      for (let k = start; k < end; k++) {
        const takeLeft = right >= end || (left < middle && from[left] <= from[right]);
        if (!takeLeft) inversions += middle - left;
        to[k] = takeLeft ? from[left++] : from[right++];
      }
    }
    [from, to] = [to, from];
  }
  if (from !== values) values.set(from);
  return inversions;
}

/**
 * Kendall's tau-b, in [-1, 1]; NaN when a side is constant or holds NaN, or there are fewer than two pairs. In n log n steps
 * (Knight 1966).
 */
export function kendall(x: readonly number[], y: readonly number[]): number {
  if (!ranked(x) || !ranked(y)) return NaN;
  const order = x.map((_, i) => i).sort((a, b) => x[a] - x[b] || y[a] - y[b]);
  const sortedY = Float64Array.from(order, (i) => y[i]);
  let tiedBoth = 0;
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && x[order[end]] === x[order[start]]) end++;
    tiedBoth += tiedPairs(sortedY.slice(start, end));
  }
  const tiedX = tiedPairs(order.map((i) => x[i]));
  const disagreeing = sortCountingInversions(sortedY);
  const tiedY = tiedPairs(sortedY);
  const pairs = (x.length * (x.length - 1)) / 2;
  return (pairs - tiedX - tiedY + tiedBoth - 2 * disagreeing) / Math.sqrt((pairs - tiedX) * (pairs - tiedY));
}

const relativeErrors = (predicted: readonly number[], actual: readonly number[]): number[] =>
  predicted.map((value, i) => Math.abs(value / actual[i] - 1));

/** Mean absolute error in percent of the actual values. */
export const meanAbsolutePercentageError = (predicted: readonly number[], actual: readonly number[]): number =>
  100 * mean(relativeErrors(predicted, actual));

/** Share of the predictions within `tolerance` (0.05: five percent) of the actual values, in [0, 1]. */
export const shareWithin = (predicted: readonly number[], actual: readonly number[], tolerance: number): number =>
  mean(relativeErrors(predicted, actual).map((error) => (error <= tolerance ? 1 : 0)));
