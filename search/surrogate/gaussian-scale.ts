import { density, cumulative } from './normal.js';
import type { Scale } from './improvement.js';

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
