import type { DatedPrediction } from '../../../experiments/page/api.js';

/** Measurements that are averaged for the error of late. */
export const averaged = 10;

type Pair = Pick<DatedPrediction, 'predicted' | 'measured'>;

/** How far a prediction was off, as a share of what was measured; above 0: too high. */
export const errorOf = ({ predicted, measured }: Pair): number => (predicted - measured) / measured;

/** The mean error without its sign of each measurement and those before it, `averaged` at most. */
export function rollingErrors(pairs: readonly Pair[]): readonly number[] {
  return pairs.map((_, i) => {
    const late = pairs.slice(Math.max(0, i + 1 - averaged), i + 1);
    return late.reduce((sum, pair) => sum + Math.abs(errorOf(pair)), 0) / late.length;
  });
}

/** Whether the model knew too little of what the network is made of. */
export const extrapolates = ({ coverage }: Pick<DatedPrediction, 'coverage'>): boolean => coverage < 1;

/** The share of predictions that were off by at most two of the deviations that the model gave; null without any. */
export function withinTwo(pairs: readonly Pick<DatedPrediction, 'predicted' | 'measured' | 'std'>[]): number | null {
  if (pairs.length === 0) return null;
  const within = pairs.filter(({ predicted, measured, std }) => Math.abs(predicted - measured) <= 2 * std);
  return within.length / pairs.length;
}
