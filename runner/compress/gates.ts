import { mainScores, scoreChange } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import type { StoredPrecision } from '../../store/index.js';
import type { CompressConfig, GateLimits, Int8Choice } from '../../experiments/schema/compress.js';

export interface InBoth {
  readonly fp32: number;
  readonly int8: number;
}

/** Whether int8 passes a gate, and why, for people. */
export interface GateVerdict {
  readonly passes: boolean;
  readonly reason: string;
}

/** `1.8`, with as many digits as distinguish it from the limit. */
function distinct(value: number, limit: number, digits: number): string {
  for (let more = digits; more < 12; more++) {
    const text = value.toFixed(more);
    if (Number(text) === limit ? value === limit : Number(text) < limit === value < limit) return text;
  }
  return String(value);
}

/** How many times as fast int8 is as fp32; 1: equally fast. */
export const speedupOf = ({ fp32, int8 }: InBoth): number => fp32 / int8;

/**
 * Whether int8 is fast enough.
 * @param ms latencies of one network, measured side by side
 */
export function speedGate(ms: InBoth, { min_speedup: least }: Pick<GateLimits, 'min_speedup'>): GateVerdict {
  const speedup = speedupOf(ms);
  const passes = speedup >= least;
  const text = `int8 is ${distinct(speedup, least, 2)} × as fast`;
  return { passes, reason: passes ? text : `${text} (min_speedup ${least})` };
}

/** 0.905 - 0.9 is more than 0.005 in floating point. */
const rounding = 1e-9;

/**
 * Whether int8 keeps enough of the main score of the task.
 * @param accuracy the score of one network's weights on the validation images, both in ONNX Runtime
 */
export function accuracyGate(
  { fp32, int8 }: InBoth,
  { max_accuracy_drop: most }: Pick<GateLimits, 'max_accuracy_drop'>,
  task: TaskType = 'classification',
): GateVerdict {
  const drop = fp32 - int8;
  const passes = drop <= most + rounding;
  if (passes) return { passes, reason: scoreChange(task, -drop) };
  const { title, unit } = mainScores[task];
  const lost =
    unit === 'share' ? `${distinct(100 * drop, 100 * most, 2)} points` : `${distinct(drop, most, 4)} of ${title}`;
  return { passes, reason: `int8 loses ${lost} (max_accuracy_drop ${most})` };
}

const measured: { readonly [C in Int8Choice]: readonly StoredPrecision[] } = {
  off: ['fp32'],
  auto: ['fp32', 'int8'],
  require: ['int8'],
};

/** The precisions in which each trial's network is measured and judged. */
export const precisionsOf = ({ int8 }: Pick<CompressConfig, 'int8'>): readonly StoredPrecision[] => measured[int8];

/**
 * The precision of a network's values before it is trained: int8, unless it is off, or measured or predicted latencies are
 * against it.
 * @param ms as far as they are known
 */
export function precisionBefore(
  compress: Pick<CompressConfig, 'int8' | 'min_speedup'>,
  { fp32, int8 }: Readonly<Partial<Record<StoredPrecision, number>>>,
): StoredPrecision {
  if (compress.int8 === 'off') return 'fp32';
  if (compress.int8 === 'require' || fp32 === undefined || int8 === undefined) return 'int8';
  return speedGate({ fp32, int8 }, compress).passes ? 'int8' : 'fp32';
}

/** A latency with its 95 % confidence interval, in ms. */
interface Timed {
  readonly ms: number;
  readonly interval: readonly [low: number, high: number];
}

/** Measurements of a network in both precisions, side by side. */
export interface Comparison {
  readonly latency: { readonly fp32: Timed; readonly int8: Timed };
  readonly task?: TaskType | undefined;
  /** Main scores on the validation images. */
  readonly accuracy: InBoth;
  /** The format in which the device computed the int8 file; absent where it does not report that. */
  readonly executed?: string | undefined;
}

/** Whether int8 is a win on a device. */
export interface Win {
  readonly pays: boolean;
  /** Reasons against it, in full phrases; empty when it pays. */
  readonly reasons: readonly string[];
  /** All in one line. */
  readonly verdict: string;
}

/**
 * Whether int8 pays: it passes both gates, was computed in bytes, and its latency differs from fp32's by more than the
 * measurement's uncertainty.
 */
export function winOf({ latency, task = 'classification', accuracy, executed }: Comparison, limits: GateLimits): Win {
  const ms = { fp32: latency.fp32.ms, int8: latency.int8.ms };
  const speed = speedGate(ms, limits);
  const kept = accuracyGate(accuracy, limits, task);
  const isClear = latency.int8.interval[1] < latency.fp32.interval[0];
  const reasons = [
    ...(speed.passes ? [] : [speed.reason]),
    ...(kept.passes ? [] : [kept.reason]),
    ...(executed === undefined || executed === 'int8' ? [] : [`int8 is computed in ${executed} on this device`]),
    ...(!speed.passes || limits.min_speedup < 1 || isClear
      ? []
      : ['int8 may be as slow as fp32: their 95 % intervals overlap']),
  ];
  const change = `${speedupOf(ms).toFixed(2)} × as fast, ${mainScores[task].title} ${scoreChange(task, accuracy.int8 - accuracy.fp32)}`;
  const pays = reasons.length === 0;
  const against = reasons.map((reason) => reason.replace(/^int8 /, 'it '));
  const verdict = pays ? `int8 pays: ${change}` : `int8 does not pay here: ${against.join('; ')}; keep the float model`;
  return { pays, reasons, verdict };
}
