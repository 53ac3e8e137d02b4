import { cumulative, density, interpolated } from '../../base/normal.js';
import { meanOrZero } from '../../base/statistics.js';
/** The relation between values and the normal variables that are modelled. */
export interface Transform {
  /** The normal variable of a value. */
  apply(value: number): number;
  /** The median of the value when the normal variable has mean `z`. */
  invert(z: number): number;
  below(thresholds: Float64Array): Shortfalls;
}

/** E[max(0, threshold - value)] by the position of the threshold, for the normal variable that was selected last. */
interface Shortfalls {
  select(z: number, deviation: number): void;
  at(threshold: number): number;
}

/** The smallest distance of the median from the best value, as a share of the range. */
const minGap = 1e-4;

/** A shortfall is 0 when the threshold is this many standard deviations below the mean. */
const maxDeviations = 6;

/**
 * A logarithmic scale for values that are minimised: z = (log(y - origin) - shift) / scale is modelled as normal. It
 * resolves the best values finely and compresses very bad ones.
 */
export class Warp implements Transform {
  private constructor(
    readonly origin: number,
    private readonly shift: number,
    private readonly scale: number,
  ) {}

  /** A warp in which the given values have mean 0 and variance 1. */
  static of(values: readonly number[]): Warp {
    const sorted = [...values].sort((a, b) => a - b);
    const best = sorted[0] ?? 0;
    const median = sorted[sorted.length >> 1] ?? 1;
    const worst = sorted[sorted.length - 1] ?? 1;
    const gap = Math.max(median - best, minGap * (worst - best)) || 1;
    const origin = best - gap;
    const logs = values.map((value) => Math.log(value - origin));
    const mean = meanOrZero(logs);
    const variance = meanOrZero(logs.map((value) => (value - mean) ** 2));
    return new Warp(origin, mean, variance > 1e-20 ? Math.sqrt(variance) : 1);
  }

  /** Values below the origin become the smallest of the scale. */
  apply(value: number): number {
    return (Math.log(Math.max(value - this.origin, 1e-9 * Math.exp(this.shift))) - this.shift) / this.scale;
  }

  invert(z: number): number {
    return this.origin + Math.exp(this.shift + this.scale * z);
  }

  /** The derivative of the scale at a value. */
  slope(value: number): number {
    return 1 / (Math.max(value - this.origin, 1e-9 * Math.exp(this.shift)) * this.scale);
  }

  below(thresholds: Float64Array): Shortfalls {
    const { origin, shift, scale } = this;
    const rooms = thresholds.map((threshold) => Math.max(0, threshold - origin));
    const logs = rooms.map(Math.log);
    let [m, s, mean] = [0, 1, 0];
    return {
      select(z, deviation) {
        m = shift + scale * z;
        s = scale * deviation;
        mean = Math.exp(m + 0.5 * s * s);
      },
      at(i) {
        const u = (logs[i] - m) / s;
        if (!(u > -maxDeviations)) return 0;
        return Math.max(0, rooms[i] * interpolated(u) - mean * interpolated(u - s));
      },
    };
  }
}

/** The identity, for values that are themselves normal. */
export const gaussian: Transform = {
  apply: (value) => value,
  invert: (z) => z,
  below: (thresholds) => {
    let [mean, deviation] = [0, 1];
    return {
      select(m, s) {
        [mean, deviation] = [m, s];
      },
      at(i) {
        const room = thresholds[i] - mean;
        if (deviation === 0) return Math.max(0, room);
        const u = room / deviation;
        return Math.max(0, room * cumulative(u) + deviation * density(u));
      },
    };
  },
};
