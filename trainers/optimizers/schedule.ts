import type { TrainConfig } from '../schema/recipe.js';

/** The configuration of the learning rate schedule; without `schedule`, it is a cosine. */
export type ScheduleConfig = Pick<
  TrainConfig,
  'epochs' | 'batch' | 'warmup_epochs' | 'final_learning_rate' | 'optimizer' | 'schedule'
>;

/** How the learning rate falls after the warm-up. */
export type Schedule = NonNullable<TrainConfig['schedule']>;

/** Half a cosine from 1 at 0 to 0 at 1. */
const halfCosine = (progress: number): number => 0.5 * (1 + Math.cos(Math.PI * progress));

/** A step among all, and the steps of the warm-up. */
interface Place {
  readonly step: number;
  readonly total: number;
  readonly warmup: number;
}

/** Share of the way from the end of the warm-up to the last step. */
const progressOf = ({ step, total, warmup }: Place): number =>
  Math.min(1, (step - warmup) / Math.max(1, total - 1 - warmup));

/** Linear warm-up (Goyal et al. 2017) from the first step on, then `after`. */
const warmedUp =
  (after: (place: Place) => number) =>
  (place: Place, floor: number): number =>
    place.step < place.warmup ? (place.step + 1) / place.warmup : floor + (1 - floor) * after(place);

/** Share of the steps in which the rate of `one-cycle` rises, and where it starts (Smith & Topin 2018; Howard 2020). */
const [rise, start] = [0.3, 1 / 25];

function oneCycle({ step, total }: Place, floor: number): number {
  const top = Math.round(rise * (total - 1));
  if (step < top) return start + (1 - start) * (1 - halfCosine(step / top));
  return floor + (1 - floor) * halfCosine(Math.min(1, (step - top) / Math.max(1, total - 1 - top)));
}

/** Shares of the peak rate. All except `one-cycle`, which has a rise of its own, begin with the warm-up. */
const schedules: { readonly [S in Schedule]: (place: Place, floor: number) => number } = {
  constant: warmedUp(() => 1),
  // Without restarts (Loshchilov & Hutter 2017).
  cosine: warmedUp((place) => halfCosine(progressOf(place))),
  // Reaches its end after the last step, which still moves the weights.
  linear: warmedUp(({ step, total, warmup }) => Math.max(0, (total - step) / Math.max(1, total - warmup))),
  'one-cycle': oneCycle,
};

/** Images of a step for which the rates of `muon` are given. */
const referenceBatch = 128;

/**
 * The highest rate. Larger batches have gradients with less noise, so the rates of `muon` grow with the square root of the batch.
 * Malladi et al. 2022 derive this rule for Adam. SGD and AdamW use their rates unchanged.
 */
const peakRate = ({ optimizer, batch }: ScheduleConfig): number =>
  optimizer.learning_rate * (optimizer.type === 'muon' ? Math.sqrt(batch / referenceBatch) : 1);

/**
 * The learning rate of a step: rises to `optimizer.learning_rate`, then falls along the schedule to `final_learning_rate`
 * times it.
 *
 * @param step from 0, over all epochs
 */
export function learningRate(step: number, stepsPerEpoch: number, config: ScheduleConfig): number {
  const total = config.epochs * stepsPerEpoch;
  const warmup = Math.min(total, Math.round(config.warmup_epochs * stepsPerEpoch));
  const share = schedules[config.schedule ?? 'cosine']({ step, total, warmup }, config.final_learning_rate);
  return peakRate(config) * share;
}
