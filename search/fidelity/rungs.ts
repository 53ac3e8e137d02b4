/**
 * Epochs of the rungs, ascending: the last is the whole training, each other the next one's share 1 / eta (rounded), as
 * long as that is `min` or more. There is one rung when there is no room for others.
 */
export function geometricRungs(epochs: number, min: number, eta: number): number[] {
  const rungs = [epochs];
  for (let share = epochs / eta; Math.round(share) >= min && Math.round(share) >= 1; share /= eta) {
    const rung = Math.round(share);
    if (rung < rungs[0]) rungs.unshift(rung);
  }
  return rungs;
}
