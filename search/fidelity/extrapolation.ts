import { studentExceeds } from './student.js';

/** A trial that was trained to its end: its value at a rung, and in the end. */
export interface Outcome {
  readonly early: number;
  readonly late: number;
}

/** What is expected of a value at the end of training. */
export interface Extrapolation {
  readonly mean: number;
  /** Scale of the error: the mean's and the trial's own together. */
  readonly spread: number;
  /** Degrees of freedom of the error's Student t distribution. */
  readonly degrees: number;
}

/** Errors below this are luck: accuracies are counted on a finite number of images. */
const smallestSpread = 1e-3;

/**
 * Extrapolates a learning curve from those of other trials, in the spirit of Baker et al. 2018: linear regression of the
 * last value on the value at the same epoch, with the prediction interval of ordinary least squares. As all trials share
 * one schedule, the shape of the curve need not be guessed, as it must be where each curve is extrapolated by itself
 * (Domhan et al. 2015).
 * @param outcomes at least three.
 */
export function extrapolate(early: number, outcomes: readonly Outcome[]): Extrapolation {
  const n = outcomes.length;
  const mean = (of: (outcome: Outcome) => number): number => outcomes.reduce((sum, o) => sum + of(o), 0) / n;
  const [x, y] = [mean((o) => o.early), mean((o) => o.late)];
  const sxx = outcomes.reduce((sum, o) => sum + (o.early - x) ** 2, 0);
  const sxy = outcomes.reduce((sum, o) => sum + (o.early - x) * (o.late - y), 0);
  // Better early is not worse late: what looks so in a few trials is chance.
  const slope = sxx === 0 ? 0 : Math.max(0, sxy / sxx);
  const degrees = n - 2;
  const residual = outcomes.reduce((sum, o) => sum + (o.late - y - slope * (o.early - x)) ** 2, 0) / degrees;
  const leverage = sxx === 0 ? 0 : (early - x) ** 2 / sxx;
  return {
    mean: y + slope * (early - x),
    spread: Math.max(smallestSpread, Math.sqrt(residual * (1 + 1 / n + leverage))),
    degrees,
  };
}

/** The probability that the value ends above `bound`. */
export const chanceAbove = ({ mean, spread, degrees }: Extrapolation, bound: number): number =>
  bound === -Infinity ? 1 : studentExceeds((bound - mean) / spread, degrees);
