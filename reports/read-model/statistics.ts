import { judgedPairs, leastPairs } from '../../base/certainty.js';
import { median } from '../../latency-models/statistics.js';
import type { Store } from '../../store/index.js';
import { storedPrecisions } from '../../store/values.js';
import { countInt8 } from '../../runner/compress/verdict.js';
import type {
  PrecisionsReport,
  PredictionPair,
  PredictionQuality,
  PredictionReport,
  PredictionsAnswer,
  ReportTrial,
  ReportVariant,
} from './data.js';
import { experimentOf, taskOfRun } from '../../runner/stored/experiment.js';
import { collectTrials } from './run.js';
import { errorOfMape, type Judged, judgedIn } from '../../runner/stored/uncertainty.js';

const middle = (values: readonly number[]): number | null => (values.length === 0 ? null : median(values));

const inPrecision = ({ variants }: ReportTrial, precision: ReportVariant['precision']): ReportVariant | undefined =>
  variants?.find((variant) => variant.precision === precision);

/** Speedup of int8 over fp32, where both were measured. */
function speedupOf(trial: ReportTrial): number[] {
  const [fp32, int8] = (['fp32', 'int8'] as const).map((precision) => inPrecision(trial, precision));
  const [slow, fast] = [fp32?.values['latency_ms'], int8?.values['latency_ms']];
  const judged = int8?.detail?.speedup;
  if (slow !== undefined && fast !== undefined) return [slow / fast];
  return judged === undefined ? [] : [judged];
}

/** Summary of int8 in a run; undefined in runs with fp32 only. */
export function collectPrecisions(
  store: Store,
  trials: readonly ReportTrial[] = collectTrials(store),
): PrecisionsReport | undefined {
  if (!store.variants.any()) return undefined;
  return {
    ...countInt8(trials, taskOfRun(experimentOf(store))),
    speedup: middle(trials.flatMap(speedupOf)),
    accuracyChange: middle(
      trials.flatMap((trial) => {
        const { accepted = null, detail } = inPrecision(trial, 'int8') ?? {};
        return accepted === null || !detail?.accuracy ? [] : [detail.accuracy.int8 - detail.accuracy.fp32];
      }),
    ),
  };
}

/** @param several whether the run has several precisions, which are then included */
const pairOf = ({ trial, precision, predicted, measured, unreliable }: Judged, several: boolean): PredictionPair => ({
  trial,
  ...(several && { precision }),
  predicted,
  measured,
  ...(unreliable !== undefined && { unreliable }),
});

async function predictionOf(judged: readonly Judged[], several: boolean): Promise<PredictionReport | null> {
  const pairs = judged.map((one) => pairOf(one, several));
  if (pairs.length < leastPairs) return null;
  const { validate } = await import('../../latency-models/index.js');
  const qualityOf = (some: readonly PredictionPair[]): PredictionQuality => {
    const used = judgedPairs(some);
    const { mape, spearman } = validate(used);
    return {
      count: used.length,
      unreliable: used.filter(({ unreliable }) => unreliable !== undefined).length,
      mape,
      mapeError: errorOfMape(used),
      spearman: Number.isFinite(spearman) ? spearman : null,
    };
  };
  const precisions = storedPrecisions.flatMap((precision) => {
    const own = pairs.filter((pair) => pair.precision === precision);
    return own.length < leastPairs ? [] : [{ precision, ...qualityOf(own) }];
  });
  return { pairs, ...qualityOf(pairs), ...(several && { precisions }) };
}

/** Latency predictions against measurements; null with fewer than three pairs. */
export const collectPrediction = (store: Store): Promise<PredictionReport | null> =>
  predictionOf(judgedIn(store), store.variants.any());

/** Latency predictions for the page, in the order of measurements. */
export async function collectPredictions(store: Store): Promise<PredictionsAnswer> {
  const several = store.variants.any();
  const judged = judgedIn(store);
  const pairs = judged.map((one) => {
    const { precision, takenAt: at, std, coverage } = one;
    return { ...pairOf(one, several), precision, at, std, coverage };
  });
  return { report: await predictionOf(judged, several), pairs, extrapolated: store.overview.extrapolated() };
}
