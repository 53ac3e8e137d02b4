import type { OptimizerConfig } from '../schema/train.js';
import type { TrainConfig } from '../schema/recipe.js';

/** The optimizer with a share of all its learning rates. */
export const slowed = (optimizer: OptimizerConfig, share: number): OptimizerConfig => ({
  ...optimizer,
  learning_rate: share * optimizer.learning_rate,
  ...(optimizer.type === 'muon' && { muon_rate: share * optimizer.muon_rate }),
});

/** The configuration of a training that starts from trained weights: with a `tuning_rate`, slower and without warm-up. */
export const fromTrained = (train: TrainConfig): TrainConfig =>
  train.tuning_rate === undefined
    ? train
    : { ...train, warmup_epochs: 0, optimizer: slowed(train.optimizer, train.tuning_rate) };

/** Share of a training's learning rate: fine-tuning should keep most of what the weights have learned. */
const rateShare = 0.3;

/** Default epochs of fine-tuning: half of a training, at least one. */
export const fineTuningEpochs = ({ epochs }: Pick<TrainConfig, 'epochs'>): number =>
  Math.max(1, Math.round(epochs / 2));

/**
 * The configuration for fine-tuning a network after channels were cut: a lower learning rate, taught by the uncut network.
 * Distillation losses stay; cross-entropy becomes distillation.
 */
export function fineTuning(train: TrainConfig, epochs: number): TrainConfig {
  const { loss, optimizer, ...others } = train;
  return {
    ...others,
    epochs,
    optimizer: slowed(optimizer, rateShare),
    ...(loss !== undefined && loss.type !== 'cross-entropy' && { loss }),
  };
}
