/** How much one batch changes the correction: the share of its logarithmic deviation, which counts only up to a limit. */
const learning = { share: 0.1, most: Math.log(2) };
/** After so many ms without a batch, the correction is forgotten, by half in each `halfLife`. */
const forgetting = { after: 1000, halfLife: 2000 };

/** Below it, a clock shows steps. */
const leastMs = 1e-3;

/**
 * What batches of a network take: measured at first for powers of two, then corrected by what they really take. The
 * correction follows what is usual: a batch during which the machine did something else says little about the next. It
 * fades when nothing is seen, so that a network that was too slow once is tried again.
 */
export class ServiceTime {
  /** Natural logarithm of the correction. */
  private correction = 0;
  private observedAt = -Infinity;

  /**
   * @param measured milliseconds by batch size, from 1 in powers of two without a gap
   * @param clock milliseconds
   */
  constructor(
    private readonly measured: ReadonlyMap<number, number>,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** Expected milliseconds of a batch, at least 1. */
  readonly ms = (batch: number): number => this.measuredMs(batch) * Math.exp(this.now());

  /** A batch took this long. */
  observe(batch: number, ms: number): void {
    const correction = this.now();
    const deviation = Math.log(Math.max(ms, leastMs) / Math.max(this.measuredMs(batch), leastMs)) - correction;
    const counted = Math.min(learning.most, Math.max(-learning.most, deviation));
    this.correction = correction + learning.share * counted;
    this.observedAt = this.clock();
  }

  private now(): number {
    if (this.correction === 0) return 0;
    const age = this.clock() - this.observedAt;
    return age <= forgetting.after
      ? this.correction
      : this.correction * 2 ** (-(age - forgetting.after) / forgetting.halfLife);
  }

  /** Milliseconds of a batch by what was measured: linear between the sizes, in proportion beyond the largest one. */
  private measuredMs(batch: number): number {
    let below = 1;
    while (below * 2 <= batch && this.measured.has(below * 2)) below *= 2;
    const low = this.measured.get(below) ?? 0;
    const high = this.measured.get(below * 2);
    return high === undefined ? (low * batch) / below : low + ((high - low) * (batch - below)) / below;
  }
}
