import type { LatencyModel, Observation } from './latency-model.js';
import { kendall, meanAbsolutePercentageError, shareWithin, spearman } from '../statistics.js';

/** How well predictions agree with measurements that the model was not fitted to. */
export interface Validation {
  readonly count: number;
  /** Mean absolute error in percent of the measured latency. */
  readonly mape: number;
  /** Rank correlations in [-1, 1]; NaN for fewer than two networks. */
  readonly spearman: number;
  readonly kendall: number;
  /** Shares of the predictions within 5 % and 10 % of the measurement, in [0, 1]. */
  readonly within5: number;
  readonly within10: number;
}

/** What was predicted for a network and what was measured, in ms. */
export interface PredictedAndMeasured {
  readonly predicted: number;
  readonly measured: number;
}

/** Compares predictions with measurements; NaN where there are too few of them. */
export function validate(pairs: readonly PredictedAndMeasured[]): Validation {
  const predicted = pairs.map((pair) => pair.predicted);
  const measured = pairs.map((pair) => pair.measured);
  return {
    count: pairs.length,
    mape: meanAbsolutePercentageError(predicted, measured),
    spearman: spearman(predicted, measured),
    kendall: kendall(predicted, measured),
    within5: shareWithin(predicted, measured, 0.05),
    within10: shareWithin(predicted, measured, 0.1),
  };
}

/** As `validate`, of what a model predicts for networks that it was not fitted to. */
export const validateModel = (model: LatencyModel, observations: readonly Observation[]): Validation =>
  validate(observations.map(({ network, ms }) => ({ predicted: model.predict(network).ms, measured: ms })));
