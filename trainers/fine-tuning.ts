import type { TrainConfig } from './schema.js';

/**
 * Share of the learning rate of a whole training. What is left to learn is to make up for rounding, while a larger step
 * takes weights far from where they were trained to; fine-tuning with fake quantization is done at a tenth to a hundredth
 * (Krishnamoorthi 2018; Nagel et al. 2021).
 */
const quantizeAwareRateShare = 0.1;

/**
 * How a trained network is fine-tuned with the rounding of an int8 model inside: as it was trained, at a small rate that
 * falls to nothing, without a warm-up, since there is nothing to warm up. Products are float32: rounding to bytes and to
 * float16 at once would learn to make up for both.
 */
export function quantizeAwareTraining(train: TrainConfig, epochs: number): TrainConfig {
  const { optimizer } = train;
  return {
    ...train,
    precision: undefined,
    quantize_aware: undefined,
    epochs,
    warmup_epochs: 0,
    final_learning_rate: 0,
    optimizer: { ...optimizer, learning_rate: quantizeAwareRateShare * optimizer.learning_rate },
  };
}

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
