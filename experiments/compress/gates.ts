import { points } from '../../base/number-text.js';
import type { GateLimits } from './schema.js';

/** A number for each precision. */
export interface InBoth {
  readonly fp32: number;
  readonly int8: number;
}

/** Whether int8 passes a gate, and what speaks for or against it, as people read it. */
export interface GateVerdict {
  readonly passes: boolean;
  readonly reason: string;
}

/** `1.8`, with as many digits as it takes to tell it from the limit. */
function telling(value: number, limit: number, digits: number): string {
  for (let more = digits; more < 12; more++) {
    const text = value.toFixed(more);
    if (Number(text) === limit ? value === limit : Number(text) < limit === value < limit) return text;
  }
  return String(value);
}

/** How many times as fast int8 is as fp32; 1: equally fast. */
export const speedupOf = ({ fp32, int8 }: InBoth): number => fp32 / int8;

/**
 * Whether int8 is fast enough to be worth its while.
 * @param ms latencies of one network, measured side by side
 */
export function speedGate(ms: InBoth, { min_speedup: least }: Pick<GateLimits, 'min_speedup'>): GateVerdict {
  const speedup = speedupOf(ms);
  const passes = speedup >= least;
  const text = `int8 is ${telling(speedup, least, 2)} × as fast`;
  return { passes, reason: passes ? text : `${text} (min_speedup ${least})` };
}

/** Shares of right answers are fractions: 0.905 - 0.9 is more than 0.005 in floating point. */
const rounding = 1e-9;

/**
 * Whether int8 keeps enough of the accuracy.
 * @param accuracy shares of right answers of one network's weights on the validation images, both through ONNX Runtime
 */
export function accuracyGate(
  { fp32, int8 }: InBoth,
  { max_accuracy_drop: most }: Pick<GateLimits, 'max_accuracy_drop'>,
): GateVerdict {
  const drop = fp32 - int8;
  const passes = drop <= most + rounding;
  if (passes) return { passes, reason: points(-drop) };
  return { passes, reason: `int8 loses ${telling(100 * drop, 100 * most, 2)} points (max_accuracy_drop ${most})` };
}
