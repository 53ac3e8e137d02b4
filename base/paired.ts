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
