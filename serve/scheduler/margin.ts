/** A late answer raises the margin by `late`, one in time lowers it by `inTime`: it rests where about 1 % are late. */
const steps = { late: 0.05, inTime: 0.0005 };
const bounds = { least: 1.1, most: 3 };

/** By what predictions are multiplied before they are held against a deadline: what late answers teach. */
export class Margin {
  private factor = 1.25;

  get value(): number {
    return this.factor;
  }

  /** An answer was given, late or in time. */
  observe(late: boolean): void {
    const factor = this.factor + (late ? steps.late : -steps.inTime);
    this.factor = Math.min(bounds.most, Math.max(bounds.least, factor));
  }
}
