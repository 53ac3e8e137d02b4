import type { PredictionReport } from '../../experiments/page/api.js';

/** How well latency was predicted, one line a model: each precision has its own. */
export function qualityTexts({ pairs, mape, spearman, precisions }: PredictionReport): string[] {
  const line = (count: number, error: number, correlation: number | null): string =>
    `${count} networks; mean error ${error.toFixed(1)} %, rank correlation ${correlation?.toFixed(3) ?? 'unknown'}`;
  if (precisions === undefined) return [line(pairs.length, mape, spearman)];
  return precisions.map((own) => `${own.precision}: ${line(own.count, own.mape, own.spearman)}`);
}
