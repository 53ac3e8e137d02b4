/** A stretch of time, in seconds: of a job in a slot. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/**
 * Share of the time of `slots` slots in which they had a job, between two moments. By default from the first start to the
 * last: as soon as there are no more jobs to begin, slots fall idle for a reason that has nothing to do with who hands
 * them out.
 */
export function busyShare(
  stretches: readonly Stretch[],
  slots: number,
  { from: first, to: last }: Stretch = startsOf(stretches),
): number {
  const busy = stretches.reduce(
    (sum, { from, to }) => sum + Math.max(0, Math.min(to, last) - Math.max(from, first)),
    0,
  );
  return busy / (slots * (last - first));
}

/** From the first start to the last. */
export function startsOf(stretches: readonly Stretch[]): Stretch {
  const starts = stretches.map(({ from }) => from);
  return { from: Math.min(...starts), to: Math.max(...starts) };
}
