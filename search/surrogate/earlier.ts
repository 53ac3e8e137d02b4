import { meanOrZero, sum } from '../../base/statistics.js';
import type { Range } from './acquisition.js';
import type { Encoded } from './encoding.js';
import type { Prediction } from './gaussian-process.js';
import type { Warp } from './warp.js';

/** What one earlier run says of an objective: predictions on the scale of its own warp, so that only their order and shape count. */
export interface EarlierModel {
  readonly warp: Warp;
  readonly range: Range;
  predict(candidates: Encoded): Prediction;
}

/** Observations count as so many more that know nothing of the earlier runs. */
const caution = 1;
/** Below it, predictions of the observed candidates are too alike to compare. */
const leastSpread = 0.1;

/** What earlier runs say of candidates, on the scale of a model. */
export type Expectation = (candidates: Encoded) => Prediction;

/**
 * The part of the earlier models that the observations confirm, as the expectation of a model: for each run the slope of a ridge regression of
 * the targets on its predictions, none where they contradict each other. Undefined where no run is confirmed.
 *
 * @param targets standardised, of the candidates `at`
 */
export function confirmed(
  models: readonly EarlierModel[],
  at: Encoded,
  targets: ArrayLike<number>,
): Expectation | undefined {
  const sources = models.flatMap((model) => {
    const { mean } = model.predict(at);
    const center = meanOrZero([...mean]);
    const spread = Math.max(leastSpread, Math.sqrt(meanOrZero([...mean].map((value) => (value - center) ** 2))));
    const scaled = mean.map((value) => (value - center) / spread);
    const [product, square] = scaled.reduce(([p, s], value, i) => [p + value * targets[i], s + value * value], [0, 0]);
    const slope = product / (square + caution);
    return slope > 0 ? [{ model, center, spread, slope }] : [];
  });
  if (sources.length === 0) return undefined;
  // Runs that say the same count once.
  const total = sum(sources.map(({ slope }) => slope));
  return (candidates) => {
    const [mean, variance] = [new Float64Array(candidates.count), new Float64Array(candidates.count)];
    for (const { model, center, spread, slope } of sources) {
      const predicted = model.predict(candidates);
      const weight = slope ** 2 / total / spread;
      for (let i = 0; i < mean.length; i++) {
        mean[i] += weight * (predicted.mean[i] - center);
        variance[i] += weight ** 2 * predicted.variance[i];
      }
    }
    return { mean, variance };
  };
}
