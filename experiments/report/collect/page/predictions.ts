import type { Store } from '../../../../store/index.js';
import type { PredictionsAnswer } from '../../../page/api.js';
import { collectPrediction, pairOf } from '../prediction.js';

/** What the latency model said of trials, against what was measured, in the order of measurements. */
export async function collectPredictions(store: Store): Promise<PredictionsAnswer> {
  const report = await collectPrediction(store);
  const several = store.variants.any();
  const pairs = store.measurements.predicted().map((one) => {
    const { precision, takenAt: at, std, coverage } = one;
    return { ...pairOf(one, several), precision, at, std, coverage };
  });
  return { report, pairs, extrapolated: store.overview.extrapolated() };
}
