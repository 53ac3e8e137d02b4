/** A stretch of time, in seconds: of a job in a slot. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/**
 * Share of the time of `slots` slots in which they had a job, between the first start and the last: as soon as there are no
 * more jobs to begin, slots fall idle for a reason that has nothing to do with who hands them out.
 */
export function busyShare(stretches: readonly Stretch[], slots: number): number {
  const starts = stretches.map(({ from }) => from);
  const [first, last] = [Math.min(...starts), Math.max(...starts)];
  const busy = stretches.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, last) - from), 0);
  return busy / (slots * (last - first));
}
