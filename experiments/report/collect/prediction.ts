import type { PredictedMeasurement, Store } from '../../../store/index.js';
import { storedPrecisions } from '../../../store/values.js';
import type { PredictionPair, PredictionQuality, PredictionReport } from '../data.js';

/** Fewer pairs than this say nothing about a correlation. */
const fewest = 3;

/** A pair as reports hold it: its precision is told where the run knows several. */
export const pairOf = (
  { trial, precision, predicted, measured }: PredictedMeasurement,
  several: boolean,
): PredictionPair => ({ trial, ...(several && { precision }), predicted, measured });

/** Latencies that were predicted when a trial was asked, against what was measured for it; null when there are few. */
export async function collectPrediction(store: Store): Promise<PredictionReport | null> {
  const several = store.variants.any();
  const pairs = store.measurements.predicted().map((one) => pairOf(one, several));
  if (pairs.length < fewest) return null;
  const { validate } = await import('../../../latency-models/index.js');
  const qualityOf = (some: readonly PredictionPair[]): PredictionQuality => {
    const { mape, spearman } = validate(some);
    return { mape, spearman: Number.isFinite(spearman) ? spearman : null };
  };
  const precisions = storedPrecisions.flatMap((precision) => {
    const own = pairs.filter((pair) => pair.precision === precision);
    return own.length < fewest ? [] : [{ precision, count: own.length, ...qualityOf(own) }];
  });
  return { pairs, ...qualityOf(pairs), ...(several && { precisions }) };
}
