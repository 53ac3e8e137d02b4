import type { TrainConfig } from './schema.js';

/** What the learning rate depends on. */
export type ScheduleConfig = Pick<TrainConfig, 'epochs' | 'warmup_epochs' | 'final_learning_rate' | 'optimizer'>;

/**
 * The learning rate of a step: linear warm-up to `optimizer.learning_rate` (Goyal et al. 2017), then half a cosine
 * without restarts (Loshchilov & Hutter 2017) down to `final_learning_rate` times it, reached at the last step.
 *
 * @param step counted from 0 over all epochs
 */
export function learningRate(step: number, stepsPerEpoch: number, config: ScheduleConfig): number {
  const peak = config.optimizer.learning_rate;
  const total = config.epochs * stepsPerEpoch;
  const warmup = Math.min(total, Math.round(config.warmup_epochs * stepsPerEpoch));
  if (step < warmup) return (peak * (step + 1)) / warmup;
  const progress = Math.min(1, (step - warmup) / Math.max(1, total - 1 - warmup));
  const floor = config.final_learning_rate;
  return peak * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}

/**
 * The decay of the weights' moving average at a step: as configured, but small at first so that the average does not
 * remember the random initial weights.
 */
export const averageDecay = (step: number, decay: number): number => Math.min(decay, (1 + step) / (10 + step));
