import { cumulative } from './normal.js';
import { jackknife } from './scoreboard.js';
import type { Scores } from './scores.js';

/** How a network compares with another one on the same images. */
export interface Compared {
  /** p-value of the hypothesis that their main scores are equal. */
  readonly p: number;
  /** Of classifiers. */
  readonly discordance?: Discordance;
  /** Of detectors and segmenters: how much higher the main score is than the other's, with the standard error of the difference. */
  readonly difference?: number;
  readonly error?: number;
}

/** Undefined where it is not known which images are right, or the scores are of two tasks. */
export function comparedTo(first: Scores, own: Scores): Compared | undefined {
  if (first.wrong && own.wrong) {
    const [a, b] = [first.wrong, own.wrong].map((images) => images.map(({ row }) => row));
    const found = discordance(a, b);
    return { p: mcNemar(found), discordance: found };
  }
  const { deviations } = own;
  if (first.details.type !== own.details.type || !deviations || first.deviations?.length !== deviations.length) return;
  const others = first.deviations;
  const difference = own.accuracy - first.accuracy;
  const error = jackknife(deviations.map((deviation, i) => deviation - others[i]));
  return {
    difference,
    error,
    p: error === 0 ? Number(difference === 0) : 2 * cumulative(-Math.abs(difference) / error),
  };
}

/** How two classifiers answer the same images, where only one of them is right. */
export interface Discordance {
  readonly onlyFirst: number;
  readonly onlySecond: number;
}

/** @param wrong rows of the images that each of the two takes for another class */
export function discordance(...wrong: readonly [first: readonly number[], second: readonly number[]]): Discordance {
  const [first, second] = wrong.map((rows) => new Set(rows));
  const without = (rows: ReadonlySet<number>, others: ReadonlySet<number>): number =>
    [...rows].filter((row) => !others.has(row)).length;
  return { onlyFirst: without(second, first), onlySecond: without(first, second) };
}

/**
 * McNemar's test of whether two classifiers have the same accuracy: the two-sided binomial p-value, exact for any number of images
 * on which they disagree.
 */
export function mcNemar({ onlyFirst, onlySecond }: Discordance): number {
  const all = onlyFirst + onlySecond;
  let [logTerm, tail] = [-all * Math.LN2, 0];
  for (let k = 0; k <= Math.min(onlyFirst, onlySecond); k++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log((all - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
