import type { Store } from '../../../store/index.js';
import { storedPrecisions } from '../../../store/precision.js';
import type { PredictionPair, PredictionQuality, PredictionReport } from '../data.js';

/** Fewer pairs than this say nothing about a correlation. */
const fewest = 3;

/** Latencies that were predicted when a trial was asked, against what was measured for it; null when there are few. */
export async function collectPrediction(store: Store): Promise<PredictionReport | null> {
  const several = store.variants.any();
  const pairs = store.measurements.all().flatMap(({ trial, purpose, precision, ms }): PredictionPair[] => {
    const predicted = trial === null || purpose !== 'trial' ? undefined : store.trials.prediction(trial, precision);
    if (predicted === undefined) return [];
    return [{ trial, ...(several && { precision }), predicted: predicted.ms, measured: ms }];
  });
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
