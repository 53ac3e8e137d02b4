import { invalidInput, NasError } from '../../base/errors.js';
import { count, ms as milliseconds } from '../../base/number-text.js';
import { costs, cutsOf, type Cut, type Importance, type Network } from '../../spaces/index.js';

/** The budget: milliseconds for one batch on a device, or multiply-accumulates for one image. */
export interface ShrinkTarget {
  readonly objective: 'latency_ms' | 'macs';
  readonly value: number;
}

interface CutRequest {
  /** What messages call the network: `trial 7`. */
  readonly name: string;
  readonly target: ShrinkTarget;
  /** New widths are multiples of this. */
  readonly multiple: number;
  /** Measures a network, in ms; null for a budget of MACs. */
  readonly latencyOf: ((network: Network) => Promise<number>) | null;
}

const macsOf = (network: Network): number => costs(network).macs;

/** `2 M MACs`, `0.05 ms`. */
export const targetText = ({ objective, value }: ShrinkTarget): string =>
  objective === 'macs' ? `${count(value)} MACs` : milliseconds(value);

/**
 * Cuts the channels that matter least for the MACs that they cost, until the network meets the budget: in MACs exactly, in latency
 * as measured.
 * @param importance computes the importance of each channel, once the network is known to be over the budget
 * @throws NasError `infeasible` when even the smallest network is over the budget; `invalid-input` when the network is within it
 *   already, or has no channel to cut
 */
export async function cutToBudget(
  network: Network,
  importance: () => Promise<Importance>,
  { name, target, multiple, latencyOf }: CutRequest,
): Promise<Pick<Cut, 'network' | 'widths'> & { readonly importance: Importance }> {
  const { objective, value } = target;
  const amount = (of: number): string => targetText({ objective, value: of });
  const has = latencyOf === null ? macsOf(network) : await latencyOf(network);
  if (has <= value)
    throw invalidInput(`${name} has ${amount(has)} already, which is within the budget`, { hint: 'Ask for less.' });
  const found = await importance();
  const cuts = [...cutsOf(network, found, multiple)];
  if (cuts.length === 0)
    throw invalidInput(`no channel of ${name} can be cut in multiples of ${multiple}`, {
      hint: 'Widths of cells and of grouped convolutions stay as they are; others may do with a smaller --multiple.',
    });
  const unreachable = (smallest: number): NasError =>
    new NasError(
      'infeasible',
      `no cut meets ${amount(value)}: the smallest network that is left comes to ${amount(smallest)}`,
      { hint: 'Ask for more, choose a smaller --multiple, or shrink another network.' },
    );
  if (latencyOf === null) {
    const first = cuts.find((cut) => cut.cost <= value);
    if (first === undefined) throw unreachable(cuts[cuts.length - 1].cost);
    return { ...first, importance: found };
  }
  const fast = await cutToLatency(cuts, { cost: macsOf(network), ms: has }, value, (cut) => latencyOf(cut.network));
  if ('smallest' in fast) throw unreachable(fast.smallest);
  return { ...fast.cut, importance: found };
}

/** A latency this share below the budget is close enough. */
const tolerance = 0.05;

const mostMeasured = 10;

/** After this many measurements without success, the smallest network is tried. */
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
 * One of ever smaller networks whose measured latency meets a budget and is not much below it. The search interpolates:
 * it takes latency to be linear in cost between the networks that were measured.
 *
 * @param cuts at least one, by falling cost
 * @param whole cost and latency (ms) of the network before any cut, which is over the budget
 * @param measure the latency of a cut in ms
 * @returns the cut with its latency; or, when every cut is over the budget, the latency of the smallest in `smallest`
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
  for (let tried = 0; tried < mostMeasured && low.position < last; tried++) {
    const position = next(cuts, low, high, budget, tried >= patience);
    if (position === null) break;
    const { cost } = cuts[position];
    const measured: Measured = { position, cost, ms: await measure(cuts[position]) };
    if (measured.ms > budget) low = measured;
    else high = measured;
    if (high !== null && high.ms >= (1 - tolerance) * budget) break;
  }
  return high === null ? { smallest: low.ms } : { cut: cuts[high.position], ms: high.ms };
}

/** The next position to measure; null when none is left between a cut over the budget and one that meets it. */
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
