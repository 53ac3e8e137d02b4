import type { Store } from '../../../store/index.js';
import type { PredictionReport } from '../data.js';

/** Fewer pairs than this say nothing about a correlation. */
const fewest = 3;

/** Latencies that were predicted when a trial was asked, against what was measured for it; null when there are few. */
export async function collectPrediction(store: Store): Promise<PredictionReport | null> {
  const pairs = store.measurements.all().flatMap(({ trial, purpose, ms }) => {
    const predicted = trial === null || purpose !== 'trial' ? undefined : store.trials.prediction(trial);
    return predicted === undefined ? [] : [{ trial, predicted: predicted.ms, measured: ms }];
  });
  if (pairs.length < fewest) return null;
  const { validate } = await import('../../../latency-models/index.js');
  const { mape, spearman } = validate(pairs);
  return { pairs, mape, spearman: Number.isFinite(spearman) ? spearman : null };
}
