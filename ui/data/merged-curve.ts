import type { CurvePoint } from '../../experiments/page/api.js';

/** A curve as it was read, with epochs that ended since; of an epoch in both, the later one counts. */
export function mergedCurve(known: readonly CurvePoint[], since: readonly CurvePoint[]): readonly CurvePoint[] {
  if (since.length === 0) return known;
  const points = new Map([...known, ...since].map((point) => [point.epoch, point]));
  return [...points.values()].sort((a, b) => a.epoch - b.epoch);
}
