import { fitLatencyModel, type FitOptions } from './fit.js';
import type { LatencyModel, Observation } from './latency-model.js';
import { validate, type PredictedAndMeasured, type Validation } from './validation.js';

const mostFolds = 10;

/** How well a kind of fit predicts networks that it has not seen. */
export interface CrossValidation extends Validation {
  /** One for each observation, in their order. */
  readonly pairs: readonly PredictedAndMeasured[];
}

/** Predicts each observation by a model fitted to the others, a tenth of them at a time (each alone when few). */
export function crossValidate(observations: readonly Observation[], options: FitOptions = {}): CrossValidation {
  const folds = Math.min(mostFolds, observations.length);
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
const [mostError, leastRank] = [10, 0.9];
/** Ranks say something when the slowest network takes at least this many times the fastest's. */
const wideRange = 1.3;

/** What speaks against a fitted model, as phrases; none when it can be trusted. */
export function doubts({ pairs, mape, spearman }: CrossValidation): string[] {
  const measured = pairs.map((pair) => pair.measured);
  const range = Math.max(...measured) / Math.min(...measured);
  return [
    ...(mape > mostError
      ? [
          `its mean error on networks that it was not fitted to is ${mape.toFixed(1)} % (at most ${mostError} % is asked)`,
        ]
      : []),
    ...(range >= wideRange && !(spearman >= leastRank)
      ? [`its rank correlation on them is ${spearman.toFixed(3)} (at least ${leastRank} is asked)`]
      : []),
  ];
}
