/** The time of a job in a slot, in seconds. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/**
 * Share of slot time with a job within a window, by default from the first job start to the last: once no jobs are left,
 * slots are idle for other reasons than the queue.
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
