import type { Reliability } from './device.js';
import type { MachineLoad } from './machine-load.js';
import type { InterleavedTiming } from './protocol.js';

/** An interval whose half-width is above this share of the centre tells too little. */
const widest = 0.03;
/** Other programs may use this share of the machine's processors, and always this much of one. */
const [calmShare, calmProcessors] = [0.05, 0.1];
/** Share of a processor that the host of a virtual machine may take away. */
const mostStolen = 0.03;
/** Share of the blocks that may have been disturbed, since those are left out. */
const mostDisturbed = 0.5;

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

/** Whether a timing can be compared with others, from the timing itself and from what else the machine did meanwhile. */
export function reliabilityOf(timing: InterleavedTiming, load: MachineLoad | null): Reliability {
  const { ms, interval, disturbed } = timing;
  const halfWidth = (interval[1] - interval[0]) / 2 / ms;
  const reasons: string[] = [];
  if (halfWidth > widest) reasons.push(`the 95 % interval is still ±${percent(halfWidth)} of the latency`);
  if (disturbed > mostDisturbed)
    reasons.push(`something else had the processor in ${percent(disturbed)} of the blocks`);
  if (load !== null && load.others > Math.max(calmProcessors, calmShare * load.cores))
    reasons.push(`other programs kept ${load.others.toFixed(1)} of ${load.cores} processors busy`);
  if (load !== null && load.stolen > mostStolen)
    reasons.push(`the host of this virtual machine took ${percent(load.stolen)} of a processor away`);
  return { reliable: reasons.length === 0, reasons };
}
