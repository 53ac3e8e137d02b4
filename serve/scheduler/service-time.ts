/** Share of a batch's logarithmic deviation that enters the correction, and the largest deviation that counts. */
const learning = { share: 0.1, most: Math.log(2) };
/** After `after` ms without a batch, the correction decays with this half-life in ms. */
const forgetting = { after: 1000, halfLife: 2000 };

/** Resolution of the clock. */
const leastMs = 1e-3;

/**
 * Expected times of a network's batches: measured once for powers of two, then multiplied by a correction that follows the
 * observed times. An outlier changes the correction little. Without observations the correction decays, so that a network
 * that was slow once is tried again.
 */
export class ServiceTime {
  /** Natural logarithm of the correction factor. */
  private correction = 0;
  private observedAt = -Infinity;

  /**
   * @param measured milliseconds by batch size, from 1 in powers of two without a gap
   * @param clock current time in milliseconds
   */
  constructor(
    private readonly measured: ReadonlyMap<number, number>,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** Expected milliseconds of a batch of this size (at least 1). */
  readonly ms = (batch: number): number => this.measuredMs(batch) * Math.exp(this.now());

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

  /** Measured milliseconds: linear between the measured sizes, proportional beyond the largest one. */
  private measuredMs(batch: number): number {
    let below = 1;
    while (below * 2 <= batch && this.measured.has(below * 2)) below *= 2;
    const low = this.measured.get(below) ?? 0;
    const high = this.measured.get(below * 2);
    return high === undefined ? (low * batch) / below : low + ((high - low) * (batch - below)) / below;
  }
}

/** Milliseconds that the server spends on a batch beside its computation: one iteration of the event loop. */
const batchMs = 0.05;

/**
 * The largest batch that is worth its latency: the largest power of two, at most `most`, up to which each doubling lowers the
 * cost of an image by at least the share `gain`. It is small, as a size that noise decides costs about that much.
 * @param times milliseconds by batch size, from 1 in powers of two; a size without a time ends the search
 */
export function batchThatPays(
  times: ReadonlyMap<number, number>,
  { gain = 0.05, most = 32 }: { readonly gain?: number; readonly most?: number } = {},
): number {
  let best = 1;
  for (let batch = 2; batch <= most; batch *= 2) {
    const half = times.get(batch / 2);
    const whole = times.get(batch);
    if (half === undefined || whole === undefined || whole + batchMs > 2 * (half + batchMs) * (1 - gain)) break;
    best = batch;
  }
  return best;
}
