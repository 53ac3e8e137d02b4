import { kendall, meanAbsolutePercentageError, median, shareWithin, spearman } from '../statistics.js';
import { fitLatencyModel, type FitOptions } from './fit.js';
import type { LatencyModel, Observation } from './linear-cost-model.js';

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

const maxFolds = 10;

/** How well a kind of fit predicts networks that it has not seen. */
export interface CrossValidation extends Validation {
  /** One for each observation, in their order. */
  readonly pairs: readonly PredictedAndMeasured[];
}

/** Predicts each observation by a model fitted to the others, a tenth of them at a time (each alone when few). */
export function crossValidate(observations: readonly Observation[], options: FitOptions = {}): CrossValidation {
  const folds = Math.min(maxFolds, observations.length);
  const models = new Map<number, LatencyModel>();
  const modelWithout = (fold: number): LatencyModel => {
    const known = models.get(fold);
    if (known !== undefined) return known;
    const model = fitLatencyModel(
      observations.filter((_observation, i) => i % folds !== fold),
      options,
    );
    models.set(fold, model);
    return model;
  };
  const pairs = observations.map(({ network, ms }, i) => ({
    predicted: modelWithout(i % folds).predict(network).ms,
    measured: ms,
  }));
  return { ...validate(pairs), pairs };
}

/** A model is trusted when cross-validation shows at most this error, and ranks at least this well. */
const [maxError, minRank] = [10, 0.9];
/** Ranks say something when the slowest network takes at least this many times the fastest's. */
const wideRange = 1.3;

/** What speaks against a fitted model, as phrases; none when it can be trusted. */
export function trustWarnings({ pairs, mape, spearman }: CrossValidation): string[] {
  const measured = pairs.map((pair) => pair.measured);
  const range = Math.max(...measured) / Math.min(...measured);
  return [
    ...(mape > maxError
      ? [
          `its mean error on networks that it was not fitted to is ${mape.toFixed(1)} % (at most ${maxError} % is asked)`,
        ]
      : []),
    ...(range >= wideRange && !(spearman >= minRank)
      ? [`its rank correlation on them is ${spearman.toFixed(3)} (at least ${minRank} is asked)`]
      : []),
  ];
}

/** The newest trials, which say what the device does now. */
const newest = 12;
/** Fewer than this say nothing. */
const fewest = 5;
/** Drift is corrected from this much on, when so large a share of the newest trials lies on its side. */
const [minDrift, sameSide] = [0.04, 0.8];
/** A model whose predictions are this far off (mean, in percent) and rank this badly is dropped. */
const [uselessError, uselessRank] = [25, 0.5];
/** A fit has at most this many observations, the newest: it must not keep the search waiting. */
const maxObservations = 100;

/** A trial that was measured, and what was predicted for it before. */
export interface MeasuredTrial extends Observation {
  readonly predictedMs?: number;
}

/** A latency model of a run, and what became of it. */
export type AdaptedModel =
  | { readonly state: 'sound'; readonly model: LatencyModel }
  | { readonly state: 'corrected'; readonly model: LatencyModel; readonly factor: number }
  | { readonly state: 'dropped'; readonly model: null; readonly mape: number; readonly count: number };

/** A model whose predictions are all multiplied. */
const scaled = (model: LatencyModel, factor: number): LatencyModel => ({
  kind: model.kind,
  predict: (network) => {
    const { ms, std, coverage } = model.predict(network);
    return { ms: factor * ms, std: factor * std, coverage };
  },
  toJSON: () => ({ factor, model: model.toJSON() }),
});

/** As it would be on a device that takes `factor` times as long. */
const slowed = ({ network, ms, layers }: Observation, factor: number): Observation => ({
  network,
  ms: factor * ms,
  ...(layers === undefined ? {} : { layers: layers.map((time) => ({ ...time, ms: factor * time.ms })) }),
});

/** By how much trials take longer than a model says that knows none of them; 1 unless they agree that it is off. */
function driftOf(base: LatencyModel, trials: readonly MeasuredTrial[]): number {
  const logs = trials.slice(-newest).map(({ network, ms }) => Math.log(ms / base.predict(network).ms));
  if (logs.length < fewest) return 1;
  const middle = median(logs);
  const agreeing = logs.filter((log) => Math.sign(log) === Math.sign(middle)).length;
  return Math.abs(middle) >= minDrift && agreeing >= sameSide * logs.length ? Math.exp(middle) : 1;
}

/** Whether what was predicted for the newest trials was of no use. */
function failure(trials: readonly MeasuredTrial[]): { mape: number; count: number } | undefined {
  const pairs = trials
    .flatMap(({ ms, predictedMs }) => (predictedMs === undefined ? [] : [{ predicted: predictedMs, measured: ms }]))
    .slice(-newest);
  if (pairs.length < fewest) return undefined;
  const { mape, spearman } = validate(pairs);
  return mape > uselessError && !(spearman >= uselessRank) ? { mape, count: pairs.length } : undefined;
}

/**
 * The model to predict by, given all that a run has measured so far: fitted again to everything, after what was measured
 * before the trials is brought to the level of the trials where these agree that the device has become slower or
 * faster; none when predictions have been of no use. The same measurements give the same model.
 *
 * @param calibration networks measured before the trials.
 * @param trials in order.
 * @param given a model that was fitted elsewhere: it is kept, and scaled where it is off.
 */
export function adaptModel(
  calibration: readonly Observation[],
  trials: readonly MeasuredTrial[],
  given?: LatencyModel,
): AdaptedModel | null {
  const failed = failure(trials);
  if (failed !== undefined) return { state: 'dropped', model: null, ...failed };
  if (given === undefined && calibration.length + trials.length === 0) return null;
  const base = given ?? (calibration.length === 0 || trials.length < fewest ? undefined : fitLatencyModel(calibration));
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
