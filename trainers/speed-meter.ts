/** Milliseconds between two reports. */
const interval = 200;

/** Images per second of the time spent in steps, reported a few times a second. */
export class SpeedMeter {
  private images = 0;
  private milliseconds = 0;
  private reportedAt = -Infinity;

  add(images: number, milliseconds: number): void {
    this.images += images;
    this.milliseconds += milliseconds;
  }

  /** The speed since the last report; null when that was less than 200 ms ago, unless `now`. */
  report(now: boolean): number | null {
    const time = performance.now();
    if (!now && time - this.reportedAt < interval) return null;
    const speed = this.images / (this.milliseconds / 1000);
    this.reportedAt = time;
    this.images = this.milliseconds = 0;
    return speed;
  }
}
