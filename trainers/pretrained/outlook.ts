import { meanOrZero, sum } from '../../base/statistics.js';

/** What a fine-tuning of twice the length may add to the validation score. */
export interface Outlook {
  /** Epochs of the longer training. */
  readonly epochs: number;
  /** Seconds that it takes longer. */
  readonly seconds: number;
  /** From and to, not below 0; null: there are too few epochs to say it. */
  readonly gain: readonly [low: number, high: number] | null;
}

/** Fewer epochs have no slope with a doubt. */
const fewestPoints = 4;
/** Standard errors around the slope. */
const doubt = 2;

/** The slope of a line through points, and its standard error. */
function slopeOf(x: readonly number[], y: readonly number[]): readonly [slope: number, error: number] {
  const [middle, level] = [meanOrZero(x), meanOrZero(y)];
  const spread = sum(x.map((value) => (value - middle) ** 2));
  const slope = sum(x.map((value, i) => (value - middle) * (y[i] - level))) / spread;
  const rest = sum(x.map((value, i) => (y[i] - level - slope * (value - middle)) ** 2));
  return [slope, Math.sqrt(rest / (x.length - 2) / spread)];
}

/**
 * What twice the epochs may bring: the scores of the second half of a training against the logarithm of the epoch are taken for a
 * line, which goes on. As the learning rate falls in them, the line promises rather too much.
 * @param scores of the epochs, in their order
 * @param seconds of all of them
 * @param isSettled whether the training ended since no epoch was better for long
 */
export function outlookOf(scores: readonly number[], seconds: number, isSettled: boolean): Outlook {
  const epochs = 2 * scores.length;
  if (isSettled) return { epochs, seconds, gain: [0, 0] };
  const first = Math.floor(scores.length / 2);
  const late = scores.slice(first);
  if (late.length < fewestPoints) return { epochs, seconds, gain: null };
  const [slope, error] = slopeOf(
    late.map((_, i) => Math.log2(first + i + 1)),
    late,
  );
  return { epochs, seconds, gain: [Math.max(0, slope - doubt * error), Math.max(0, slope + doubt * error)] };
}
