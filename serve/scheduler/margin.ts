/** A late answer raises the margin by `late`, one in time lowers it by `inTime`: it rests where about 1 % are late. */
const steps = { late: 0.1, inTime: 0.001 };
const bounds = { least: 1.1, most: 3 };
/** What was learned is forgotten by half in so many ms: neighbours of a machine come and go. */
const halfLifeMs = 30_000;

/** By what predictions are multiplied before they are held against a deadline: what late answers teach. */
export class Margin {
  private factor = 1.25;
  private time: number | null = null;

  get value(): number {
    return this.factor;
  }

  /** Time passes. */
  passTo(now: number): void {
    const passed = this.time === null ? 0 : now - this.time;
    this.time = now;
    this.factor = bounds.least + (this.factor - bounds.least) * 2 ** (-passed / halfLifeMs);
  }

  /** An answer was given, late or in time. */
  observe(late: boolean): void {
    const factor = this.factor + (late ? steps.late : -steps.inTime);
    this.factor = Math.min(bounds.most, Math.max(bounds.least, factor));
  }
}
