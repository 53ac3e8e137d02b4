import type { TrainConfig } from '../schema.js';

/** Share of the learning rate of a whole training: most of what the weights know is to stay. */
const rateShare = 0.3;

/** Epochs of fine-tuning when nothing else is asked for: half of a training, at least one. */
export const fineTuningEpochs = ({ epochs }: Pick<TrainConfig, 'epochs'>): number =>
  Math.max(1, Math.round(epochs / 2));

/**
 * How a network that was cut is trained on: as it was trained, at a lower rate, and taught by what it was. A loss that
 * learns from a teacher stays as it is; labels alone become distillation.
 */
export function fineTuning(train: TrainConfig, epochs: number): TrainConfig {
  const { loss, optimizer, ...others } = train;
  return {
    ...others,
    epochs,
    optimizer: { ...optimizer, learning_rate: rateShare * optimizer.learning_rate },
    ...(loss === undefined || loss.type === 'cross-entropy' ? {} : { loss }),
  };
}
