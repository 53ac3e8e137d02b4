import type { Pace, RunSummary } from '../../../page/api.js';

/** Trials whose ends tell the pace, and the fewest that do. */
export const pacedBy = 20;
const fewest = 3;

const unknown: Pace = { trialsPerHour: null, etaSeconds: null };

/**
 * How fast trials end. Nothing is told of runs that stand still, nor of those in a table, whose time is simulated.
 * @param since when the run was begun or resumed, or the trial ended before those of `ends`; in ms since 1970.
 * @param ends when the latest trials ended, ascending.
 * @param now while nothing ends, the pace becomes slower.
 */
export function paceOf(
  { status, evaluation, planned, counts }: Pick<RunSummary, 'status' | 'evaluation' | 'planned' | 'counts'>,
  since: number,
  ends: readonly number[],
  now: number,
): Pace {
  const last = ends.at(-1);
  if (status !== 'running' || evaluation === 'table' || last === undefined || ends.length < fewest) return unknown;
  // The trial at work now may end any moment: only a silence that is longer than usual counts.
  const isSilent = now - last > (2 * (last - since)) / ends.length;
  const hours = ((isSilent ? now : last) - since) / 3_600_000;
  if (hours <= 0) return unknown;
  const trialsPerHour = ends.length / hours;
  const left = Math.max(0, planned - counts.complete - counts.pruned - counts.failed);
  return { trialsPerHour, etaSeconds: (3600 * left) / trialsPerHour };
}
