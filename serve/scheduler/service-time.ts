/** The share of a new observation in the correction. */
const weight = 0.05;
/** One batch in which the machine did something else says little about the next: what is learned of it is bounded. */
const bounds = { least: 0.5, most: 4 };

/** What batches of a network take: measured at first for powers of two, then corrected by what they really take. */
export class ServiceTime {
  private factor = 1;

  /** @param measured milliseconds by batch size, from 1 in powers of two without a gap */
  constructor(private readonly measured: ReadonlyMap<number, number>) {}

  /** Expected milliseconds of a batch, at least 1. */
  readonly ms = (batch: number): number => this.measuredMs(batch) * this.factor;

  /** A batch took this long. */
  observe(batch: number, ms: number): void {
    const ratio = Math.min(bounds.most, Math.max(bounds.least, ms / this.measuredMs(batch)));
    this.factor += weight * (ratio - this.factor);
  }

  /** Linear between the sizes that were measured, in proportion beyond the largest one. */
  private measuredMs(batch: number): number {
    let below = 1;
    while (below * 2 <= batch && this.measured.has(below * 2)) below *= 2;
    const low = this.measured.get(below) ?? 0;
    const high = this.measured.get(below * 2);
    return high === undefined ? (low * batch) / below : low + ((high - low) * (batch - below)) / below;
  }
}
