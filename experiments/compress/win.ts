import { points } from '../../base/number-text.js';
import { accuracyGate, speedGate, speedupOf, type InBoth } from './gates.js';
import type { GateLimits } from './schema.js';

/** A latency with its 95 % confidence interval, in ms. */
interface Timed {
  readonly ms: number;
  readonly interval: readonly [low: number, high: number];
}

/** What is known of a network in both precisions, from measurements side by side. */
export interface Comparison {
  readonly latency: { readonly fp32: Timed; readonly int8: Timed };
  /** Shares of right answers on the validation images. */
  readonly accuracy: InBoth;
  /** What the device computed the int8 file in; absent where it does not tell. */
  readonly executed?: string | undefined;
}

/** Whether int8 is a win on a device. */
export interface Win {
  readonly pays: boolean;
  /** What speaks against it, in full phrases; none when it pays. */
  readonly reasons: readonly string[];
  /** All of it in one line. */
  readonly verdict: string;
}

/**
 * Whether int8 pays: it passes both gates, it was computed in bytes, and its latency differs from that of fp32 by more than
 * the measurement's uncertainty.
 */
export function winOf({ latency, accuracy, executed }: Comparison, limits: GateLimits): Win {
  const ms = { fp32: latency.fp32.ms, int8: latency.int8.ms };
  const speed = speedGate(ms, limits);
  const kept = accuracyGate(accuracy, limits);
  const isClear = latency.int8.interval[1] < latency.fp32.interval[0];
  const reasons = [
    ...(speed.passes ? [] : [speed.reason]),
    ...(kept.passes ? [] : [kept.reason]),
    ...(executed === undefined || executed === 'int8' ? [] : [`int8 is computed in ${executed} on this device`]),
    ...(!speed.passes || limits.min_speedup < 1 || isClear
      ? []
      : ['int8 may be as slow as fp32: their 95 % intervals overlap']),
  ];
  const change = `${speedupOf(ms).toFixed(2)} × as fast, accuracy ${points(accuracy.int8 - accuracy.fp32)}`;
  const pays = reasons.length === 0;
  const against = reasons.map((reason) => reason.replace(/^int8 /, 'it '));
  const verdict = pays ? `int8 pays: ${change}` : `int8 does not pay here: ${against.join('; ')}; keep the float model`;
  return { pays, reasons, verdict };
}
