import { invalidInput } from '../../base/errors.js';
import { product } from '../../base/statistics.js';
import { didYouMean } from '../../base/text.js';
import type { ForeignWeight } from '../../compiler/index.js';
import { withoutMixing } from '../data/augment/steps.js';
import { stepsPerEpoch } from '../data/batches.js';
import { trainSchema, withStepsOn, type TrainConfig } from '../schema/recipe.js';

/** Epochs of a fine-tuning where images are many, and its least number of steps. */
const tuningLength = {
  usual: { epochs: 8, steps: 200 },
  /** More bring nothing; the time that there is ends most fine-tunings earlier. */
  longest: { epochs: 30, steps: 2000 },
} as const;

type DataSettings = Pick<TrainConfig, 'augment' | 'class_weight' | 'class_sampling' | 'loss'>;

/** What a fine-tuning takes of the data's other trainings: their length and recipe are of networks that begin with nothing. */
export const dataSettings = ({ augment, class_weight, class_sampling, loss }: DataSettings): DataSettings => ({
  augment,
  class_weight,
  class_sampling,
  loss,
});

/** What a user says about a fine-tuning, and the settings of the data's other trainings. */
interface TuneSettings extends Partial<DataSettings> {
  readonly epochs?: number | undefined;
  readonly batch?: number | undefined;
  readonly learningRate?: number | undefined;
  /** Label smoothing; default 0, as for teachers. */
  readonly smoothing?: number | undefined;
  /** How long it is where `epochs` does not say it; default: usual. */
  readonly length?: keyof typeof tuningLength | undefined;
}

/** Share of a fine-tuning in which its rate rises: steps of the whole rate at once forget what the file knows. */
const warmupShare = 1 / 3;

/**
 * Share of the steps that the moving average of the weights goes back, from the file's weights with the new head on. The average is
 * validated and kept: while the rate is high, it is better than the weights themselves, which may be worse than a new head alone
 * (Izmailov et al. 2018).
 */
const averagedShare = 1 / 10;

/**
 * A fine-tuning with the warm-up and the average of its length.
 * @param images number of training images
 */
export function withSchedule(images: number, train: TrainConfig): TrainConfig {
  const { epochs, batch, epoch_share: share } = train;
  const steps = epochs * stepsPerEpoch(images, { batch, dropLast: true, share });
  const ema = Math.max(0, 1 - 1 / Math.max(1, averagedShare * steps));
  return { ...train, warmup_epochs: warmupShare * epochs, ema };
}

/**
 * The fine-tuning of all weights: AdamW along a linear schedule, without mixed images. Classes are balanced as in the data's other
 * trainings.
 * @param images number of training images
 */
export function tuneTraining(
  images: number,
  {
    epochs,
    batch = Math.min(32, images),
    learningRate = 5e-4,
    smoothing = 0,
    length = 'usual',
    augment = [],
    class_weight,
    class_sampling,
  }: TuneSettings,
): TrainConfig {
  const train = trainSchema.parse({
    ...(smoothing > 0 && { loss: { type: 'cross-entropy', label_smoothing: smoothing } }),
    epochs: epochs ?? tuningLength[length].epochs,
    batch,
    optimizer: { type: 'adamw', learning_rate: learningRate },
    schedule: 'linear',
    class_weight,
    class_sampling,
    augment: withoutMixing(augment),
  });
  const long = epochs === undefined ? withStepsOn(images, { ...train, ...tuningLength[length] }) : train;
  return withSchedule(images, long);
}

/** Kernels of at most so many inputs have the whole learning rate. */
const wholeRateInputs = 64;

/** Numbers that each output of a kernel [in, out], [k, k, in, out] or, depthwise, [k, k, channels, 1] sums. */
const inputsOf = (shape: readonly number[]): number => {
  const sizes = shape.slice(0, -1);
  return product(shape.length === 4 && shape[3] === 1 ? sizes.slice(0, -1) : sizes);
};

/**
 * The share of the learning rate of each weight; of kernels with many inputs in inverse proportion to them (Yang et al. 2021). AdamW
 * moves every number by as much, so that an output of a thousand numbers moves furthest: with rates by depth alone, it loses what it knows.
 * @param freeze patterns of weights that stay
 * @throws NasError `invalid-input` for a pattern that no weight has
 */
export function layerRates(
  weights: readonly Pick<ForeignWeight, 'name' | 'shape'>[],
  freeze: readonly string[],
): ReadonlyMap<string, number> {
  const names = weights.map(({ name }) => name);
  const frozen = freeze.map((pattern) => {
    const test = new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`);
    if (names.some((name) => test.test(name))) return test;
    throw invalidInput(`no weight is named ${pattern}${didYouMean(pattern, names)}`, {
      hint: `Weights are named ${names.slice(0, 3).join(', ')}, ...; * stands for any characters: features.*`,
    });
  });
  return new Map(
    weights.map(({ name, shape }) => {
      const isFrozen = frozen.some((test) => test.test(name));
      return [name, isFrozen ? 0 : shape.length > 1 ? Math.min(1, wholeRateInputs / inputsOf(shape)) : 1];
    }),
  );
}

const escaped = (text: string): string => text.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
