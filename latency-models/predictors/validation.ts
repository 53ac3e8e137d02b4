import { kendall, meanAbsolutePercentageError, median, shareWithin, spearman } from '../statistics.js';
import { fitLatencyModel, type Observation } from './fit.js';
import type { LatencyModel } from './linear-cost-model.js';

/** The agreement of predictions with measurements that the model was not fitted to. */
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

/** Latencies of one network in ms. */
export interface PredictedAndMeasured {
  readonly predicted: number;
  readonly measured: number;
}

/** Scores are NaN where there are too few pairs. */
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

export const validateModel = (model: LatencyModel, observations: readonly Observation[]): Validation =>
  validate(observations.map(({ network, ms }) => ({ predicted: model.predict(network).ms, measured: ms })));

const maxFolds = 10;

export interface CrossValidation extends Validation {
  /** In the order of the observations. */
  readonly pairs: readonly PredictedAndMeasured[];
}

/** Ten-fold cross-validation (leave-one-out for fewer than ten observations). */
export function crossValidate(observations: readonly Observation[]): CrossValidation {
  const folds = Math.min(maxFolds, observations.length);
  const models = Array.from({ length: folds }, (_, fold) =>
    fitLatencyModel(observations.filter((_observation, i) => i % folds !== fold)),
  );
  const pairs = observations.map(({ network, ms }, i) => ({
    predicted: models[i % folds].predict(network).ms,
    measured: ms,
  }));
  return { ...validate(pairs), pairs };
}

/** A model can be trusted with at most this error (in percent) and at least this rank correlation. */
const [maxError, minRank] = [10, 0.9];
/** Rank correlations count when the slowest network takes at least this many times as long as the fastest. */
const wideRange = 1.3;

/** Reasons, as phrases, why a fitted model cannot be trusted; none when it can. */
export function trustWarnings({ pairs, mape, spearman: rankCorrelation }: CrossValidation): string[] {
  const measured = pairs.map((pair) => pair.measured);
  const range = Math.max(...measured) / Math.min(...measured);
  return [
    ...(mape > maxError
      ? [
          `its mean error on networks that it was not fitted to is ${mape.toFixed(1)} % (at most ${maxError} % is asked)`,
        ]
      : []),
    ...(range >= wideRange && !(rankCorrelation >= minRank)
      ? [`its rank correlation on them is ${rankCorrelation.toFixed(3)} (at least ${minRank} is asked)`]
      : []),
  ];
}

/** Newest trials that drift and errors are judged by, and the fewest of them. */
const [newest, minTrials] = [12, 5];
/** A drift of at least this much is corrected, when at least this share of the newest trials is on its side. */
const [minDrift, sameSide] = [0.04, 0.8];
/** A model with this mean error (in percent) or more and at most this rank correlation is dropped. */
const [uselessError, uselessRank] = [25, 0.5];
/** The model of a run is fitted again when it has a fifth more trials, and at least after this many. */
const [growth, maxInterval] = [1.2, 100];
/** Most observations of a fit, which must not delay the search. */
const maxObservations = 100;

/** A measured trial, with its earlier prediction. */
export interface MeasuredTrial extends Observation {
  readonly predictedMs?: number | undefined;
}

/** A run's latency model after its latest measurements. */
export type AdaptedModel =
  | { readonly state: 'sound'; readonly model: LatencyModel }
  | { readonly state: 'corrected'; readonly model: LatencyModel; readonly factor: number }
  | { readonly state: 'dropped'; readonly model: null; readonly mape: number; readonly count: number };

const scaled = (model: LatencyModel, factor: number): LatencyModel => ({
  predict: (network) => {
    const { ms, std, coverage } = model.predict(network);
    return { ms: factor * ms, std: factor * std, coverage };
  },
  toJSON: () => ({ factor, model: model.toJSON() }),
});

/** An observation on a device that takes `factor` times as long. */
const slowed = ({ network, ms }: Observation, factor: number): Observation => ({ network, ms: factor * ms });

/** The factor between trials and a model that was not fitted to them; 1 unless the trials agree that it is off. */
function driftOf(base: LatencyModel, trials: readonly MeasuredTrial[]): number {
  return factorOf(trials.slice(-newest).map(({ network, ms }) => Math.log(ms / base.predict(network).ms)));
}

/** The factor that most trials agree on, given its logarithm for each; 1 when they do not agree, or it is small. */
function factorOf(logs: readonly number[]): number {
  if (logs.length < minTrials) return 1;
  const middle = median(logs);
  const agreeing = logs.filter((log) => Math.sign(log) === Math.sign(middle)).length;
  return Math.abs(middle) >= minDrift && agreeing >= sameSide * logs.length ? Math.exp(middle) : 1;
}

/** The error of the newest predictions, if they were useless. */
function failure(trials: readonly Predicted[]): { mape: number; count: number } | undefined {
  const pairs = trials
    .flatMap(({ ms, predictedMs }) => (predictedMs === undefined ? [] : [{ predicted: predictedMs, measured: ms }]))
    .slice(-newest);
  if (pairs.length < minTrials) return undefined;
  const { mape, spearman: rankCorrelation } = validate(pairs);
  return mape > uselessError && !(rankCorrelation >= uselessRank) ? { mape, count: pairs.length } : undefined;
}

/** A measured latency beside its earlier prediction. */
type Predicted = Pick<MeasuredTrial, 'ms' | 'predictedMs'>;

/** Whether the newest predictions were useless, or all on one side. */
function misled(trials: readonly Predicted[]): boolean {
  const logs = trials
    .slice(-newest)
    .flatMap(({ ms, predictedMs }) => (predictedMs === undefined ? [] : [Math.log(ms / predictedMs)]));
  return failure(trials) !== undefined || factorOf(logs) !== 1;
}

/**
 * How many of a run's measured trials its model is fitted to, the first ones: it is not fitted again at each trial. A model
 * that misleads is fitted again sooner.
 *
 * @param trials in order.
 */
export function fittedTrials(trials: readonly Predicted[]): number {
  let scheduled = 0;
  for (let next = 1; next <= trials.length;) {
    scheduled = next;
    next = Math.min(Math.max(next + 1, Math.floor(next * growth)), next + maxInterval);
  }
  for (let count = trials.length - (trials.length % newest); count > scheduled; count -= newest)
    if (misled(trials.slice(Math.max(0, count - newest), count))) return count;
  return scheduled;
}

/**
 * The latency model for a run's next predictions, fitted to all its measurements. If the trials agree that the device has
 * become slower or faster, the calibration is first scaled to their level. The model is dropped when its predictions were
 * useless. The same measurements give the same model.
 *
 * @param calibration networks measured before the trials.
 * @param trials in order.
 * @param given a model that was fitted elsewhere; it is not fitted again, but scaled.
 */
export function adaptModel(
  calibration: readonly Observation[],
  trials: readonly MeasuredTrial[],
  given?: LatencyModel,
): AdaptedModel | null {
  const failed = failure(trials);
  if (failed !== undefined) return { state: 'dropped', model: null, ...failed };
  if (given === undefined && calibration.length + trials.length === 0) return null;
  const base =
    given ?? (calibration.length === 0 || trials.length < minTrials ? undefined : fitLatencyModel(calibration));
  const factor = base === undefined ? 1 : driftOf(base, trials);
  const levelled = calibration.map((observation) => slowed(observation, factor));
  const model =
    given === undefined ? fitLatencyModel(mixed(levelled, trials)) : factor === 1 ? given : scaled(given, factor);
  return factor === 1 ? { state: 'sound', model } : { state: 'corrected', model, factor };
}

const mixed = (calibration: readonly Observation[], trials: readonly Observation[]): readonly Observation[] => {
  const room = maxObservations - calibration.length;
  return [...calibration, ...(trials.length > room ? trials.slice(-Math.max(room, newest)) : trials)];
};
