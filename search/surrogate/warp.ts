import { cumulative, density, interpolated } from './normal.js';

/** How values follow from the normal variables that are modelled. */
export interface Scale {
  /** The normal variable of a value. */
  apply(value: number): number;
  /** The median of the values when the normal variable has mean `z`. */
  invert(z: number): number;
  /** For each of some thresholds, E[max(0, threshold - value)]. */
  below(thresholds: Float64Array): Below;
}

/** The expectation below thresholds, by their positions, of the value that was looked at last. */
export interface Below {
  look(z: number, deviation: number): void;
  at(threshold: number): number;
}

/** The distance of the median from the best value, as a share of the range, is taken to be this at least. */
const flattest = 1e-4;

/** What is so many standard deviations away is not expected at all. */
const farthest = 6;

/**
 * A logarithmic scale for values of which small ones matter: z = (log(y - origin) - shift) / scale, which is normal
 * where the model predicts. The values' resolution is that of the best, and very bad ones do not stand out.
 */
export class Warp implements Scale {
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
    const gap = Math.max(median - best, flattest * (worst - best)) || 1;
    const origin = best - gap;
    const logs = values.map((value) => Math.log(value - origin));
    const mean = logs.reduce((a, b) => a + b, 0) / Math.max(1, logs.length);
    const variance = logs.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, logs.length);
    return new Warp(origin, mean, variance > 1e-20 ? Math.sqrt(variance) : 1);
  }

  /** Values below the scale's origin become the smallest that it has. */
  apply(value: number): number {
    return (Math.log(Math.max(value - this.origin, 1e-9 * Math.exp(this.shift))) - this.shift) / this.scale;
  }

  /** The median of the value when z is normal with mean `z`. */
  invert(z: number): number {
    return this.origin + Math.exp(this.shift + this.scale * z);
  }

  /** The derivative of the scale at a value. */
  slope(value: number): number {
    return 1 / (Math.max(value - this.origin, 1e-9 * Math.exp(this.shift)) * this.scale);
  }

  /** For each of some thresholds, E[max(0, threshold - value)] when z is normal. */
  below(thresholds: Float64Array): Below {
    const { origin, shift, scale } = this;
    const rooms = thresholds.map((threshold) => Math.max(0, threshold - origin));
    const logs = rooms.map(Math.log);
    let [m, s, mean] = [0, 1, 0];
    return {
      look(z, deviation) {
        m = shift + scale * z;
        s = scale * deviation;
        mean = Math.exp(m + 0.5 * s * s);
      },
      at(i) {
        const u = (logs[i] - m) / s;
        if (!(u > -farthest)) return 0;
        return Math.max(0, rooms[i] * interpolated(u) - mean * interpolated(u - s));
      },
    };
  }
}

/** The scale of values that are themselves normal. */
export const gaussian: Scale = {
  apply: (value) => value,
  invert: (z) => z,
  below: (thresholds) => {
    let [mean, deviation] = [0, 1];
    return {
      look(m, s) {
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
