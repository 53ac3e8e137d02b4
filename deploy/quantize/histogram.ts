import type { Range } from './numbers.js';

/** Bins on each side of zero. */
const half = 2048;

/**
 * How often values occur, whatever their range turns out to be: bins [i · w, (i + 1) · w) around zero, whose width w is the
 * least power of two that takes in all values. When a greater value comes, neighbours become one. The counts depend on the
 * values alone, not on their order or on how they come in parts.
 */
export class Histogram {
  private readonly counts = new Float64Array(2 * half);
  private exponent = -Infinity;
  private total = 0;
  private low = Infinity;
  private high = -Infinity;

  /** @returns false when a value is not finite; nothing is counted then */
  add(values: Float32Array): boolean {
    if (values.length === 0) return true;
    const [low, high] = extremes(values);
    if (Number.isNaN(low) || low === -Infinity || high === Infinity) return false;
    // Zeros of both signs are one.
    this.low = Math.min(this.low, low) + 0;
    this.high = Math.max(this.high, high) + 0;
    this.total += values.length;
    this.widenTo(Math.max(this.high, -this.low));
    // Where all is zero there is no width yet, and none is needed.
    count(values, this.counts, this.exponent === -Infinity ? 0 : 2 ** -this.exponent);
    return true;
  }

  /** Least and greatest value. */
  range(): Range {
    return this.total === 0 ? [0, 0] : [this.low, this.high];
  }

  /**
   * The range that holds `percent` of the values, with equal shares outside on both sides, to the width of a bin (at most
   * 1/1024 of the greatest magnitude). A range never becomes wider, and never crosses zero.
   */
  percentile(percent: number): Range {
    if (this.total === 0 || this.exponent === -Infinity) return this.range();
    const outside = (this.total * (100 - percent)) / 200;
    const width = 2 ** this.exponent;
    const { counts } = this;
    let first = 0;
    for (let sum = counts[0]; sum <= outside && first < 2 * half - 1; sum += counts[first]) first++;
    let last = 2 * half - 1;
    for (let sum = counts[last]; sum <= outside && last > 0; sum += counts[last]) last--;
    const low = this.low >= 0 ? this.low : Math.max(this.low, (first - half) * width);
    const high = this.high <= 0 ? this.high : Math.min(this.high, (last + 1 - half) * width);
    return [low, high];
  }

  /** Makes bins so wide that a magnitude is inside. */
  private widenTo(magnitude: number): void {
    if (magnitude === 0) return;
    let exponent = Math.max(-200, Math.floor(Math.log2(magnitude)) + 1 - Math.log2(half));
    if (magnitude * 2 ** -exponent >= half) exponent++;
    if (exponent <= this.exponent) return;
    // Before the first width all counted values were zero, in a bin that stays its own.
    if (this.exponent !== -Infinity) this.merge(2 ** (exponent - this.exponent));
    this.exponent = exponent;
  }

  /** Makes one bin of `neighbours` (a power of two), on both sides away from zero. */
  private merge(neighbours: number): void {
    const merged = new Float64Array(2 * half);
    this.counts.forEach((count, i) => {
      merged[Math.floor((i - half) / neighbours) + half] += count;
    });
    this.counts.set(merged);
  }
}

// The loops over all values of a network: functions of their own, which engines compile once and for all.

/** Least and greatest value; NaN where one is. */
function extremes(values: Float32Array): Range {
  let low = Infinity;
  let high = -Infinity;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < low) low = value;
    if (value > high) high = value;
    // Comparisons let NaN pass; a sum does not.
    sum += value;
  }
  return Number.isNaN(sum) ? [NaN, NaN] : [low, high];
}

/** Counts values into bins, `perValue` of them to the unit. */
function count(values: Float32Array, counts: Float64Array, perValue: number): void {
  for (let i = 0; i < values.length; i++) counts[Math.floor(values[i] * perValue) + half]++;
}
