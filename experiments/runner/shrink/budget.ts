import type { Cut } from '../../../spaces/index.js';

/** A cut whose latency is so much below the budget, as a share, is good enough: less need not be cut. */
const tolerance = 0.05;

/** Networks that are measured at most until one meets the budget as well as can be. */
const mostMeasured = 10;

/** Beyond so many measurements without success, the smallest network is tried. */
const patience = 5;

/** A cut (by its position; -1: nothing is cut) and its latency in ms. */
interface Measured {
  readonly position: number;
  readonly cost: number;
  readonly ms: number;
}

/** The first position after `low` whose cost is at most this, before `end`. */
function positionOf(cuts: readonly Cut[], cost: number, low: number, end: number): number {
  const found = cuts.findIndex((cut, position) => position > low && cut.cost <= cost);
  return Math.min(found === -1 ? end : found, end);
}

/**
 * Of ever smaller networks, one whose measured latency meets a budget and is not much below it. Costs say where to look:
 * latency is taken to follow them between what was measured; then it is cut on, or gone back.
 *
 * @param cuts at least one, by falling cost
 * @param whole cost and latency (ms) of the network before any cut, which is over the budget
 * @param measure the latency of a cut in ms
 * @returns undefined when even the last cut is over the budget
 */
export async function cutToLatency(
  cuts: readonly Cut[],
  whole: { readonly cost: number; readonly ms: number },
  budget: number,
  measure: (cut: Cut) => Promise<number>,
): Promise<{ readonly cut: Cut; readonly ms: number } | { readonly smallest: number }> {
  const last = cuts.length - 1;
  let low: Measured = { position: -1, ...whole };
  let high: Measured | null = null;
  for (let count = 0; count < mostMeasured && low.position < last; count++) {
    const position = next(cuts, low, high, budget, count >= patience);
    if (position === null) break;
    const { cost } = cuts[position];
    const measured: Measured = { position, cost, ms: await measure(cuts[position]) };
    if (measured.ms > budget) low = measured;
    else high = measured;
    if (high !== null && high.ms >= (1 - tolerance) * budget) break;
  }
  return high === null ? { smallest: low.ms } : { cut: cuts[high.position], ms: high.ms };
}

/** Where to measure next; null when nothing is left between a cut that is over the budget and one that meets it. */
function next(
  cuts: readonly Cut[],
  low: Measured,
  high: Measured | null,
  budget: number,
  impatient: boolean,
): number | null {
  const last = cuts.length - 1;
  if (high === null) return impatient ? last : positionOf(cuts, (low.cost * budget) / low.ms, low.position, last);
  if (high.position - low.position <= 1) return null;
  const share = (budget - high.ms) / (low.ms - high.ms);
  const guess = positionOf(cuts, high.cost + share * (low.cost - high.cost), low.position, high.position - 1);
  return Math.max(guess, low.position + 1);
}
