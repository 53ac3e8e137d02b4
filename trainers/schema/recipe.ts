import { type TaskType, isMapTask } from '../../base/task.js';
import type { z } from 'zod';
import { stepsPerEpoch } from '../data/batches.js';
import { defaultAugment } from '../data/augment/defaults.js';
import type { Augmentation } from '../data/augment/schema.js';
import { isPlaced, type DataConfig } from '../data/schema.js';
import { optimizerSchema, trainKeys, type OptimizerConfig } from './train.js';

type WrittenTraining = z.output<typeof trainKeys>;

/** The keys that a recipe gives defaults. */
type RecipeKey = 'optimizer' | 'schedule' | 'stem' | 'final_learning_rate' | 'tuning_rate';

/** A complete configuration of a training. */
export type TrainConfig = Omit<WrittenTraining, 'epochs' | 'augment' | 'batch' | 'optimizer' | 'final_learning_rate'> &
  Readonly<Required<Pick<WrittenTraining, 'epochs' | 'batch' | 'optimizer' | 'final_learning_rate'>>> & {
    readonly augment: Augmentation;
  };

type Recipe = NonNullable<WrittenTraining['recipe']>;

/** The defaults of each recipe. An absent schedule is a cosine, an absent stem is trained, an absent tuning rate is none. */
const recipes: { readonly [R in Recipe]: () => Pick<TrainConfig, RecipeKey> } = {
  fast: () => ({
    optimizer: optimizerSchema.parse({ type: 'muon' }),
    schedule: 'linear',
    stem: 'whitened',
    final_learning_rate: 0,
    tuning_rate: 0.5,
  }),
  plain: () => ({ optimizer: optimizerSchema.parse({ type: 'sgd' }), final_learning_rate: 0.01 }),
};

/** The recipe of a training that names none. */
const recipeOf = ({ recipe, optimizer }: Pick<WrittenTraining, 'recipe' | 'optimizer'>): Recipe =>
  recipe ?? (optimizer === undefined || optimizer.type === 'muon' ? 'fast' : 'plain');

/** The default length of a training. Few images make few steps an epoch, so `fast` has a least number of steps. */
export const defaultLength = { epochs: 5, steps: 600 } as const;

/** Images in each step. */
export const usualBatch = 128;

/** What data changes in the defaults. */
export interface DataDefaults {
  /** Of the recipe `fast`. */
  readonly augment?: Augmentation;
  readonly batch?: number;
  /** Of the recipe `fast`. */
  readonly optimizer?: OptimizerConfig;
  /** Of the recipe `fast`. */
  readonly class_sampling?: TrainConfig['class_sampling'];
}

/**
 * The defaults for a task. A detector learns from each cell of an image, so a batch has fewer images. The rate of Muon is then 0.1,
 * as in other trainings: on photographs with boxes, AP50 was 5 points higher than with a rate that follows the batch. AP50 is a mean over
 * classes: with images of rare classes repeated, it was another 4 points higher. Segmenters repeat them, too: without that, 600 steps
 * found no defect of magnetic tiles. They keep the usual rate, since two seeds with the rate of detectors differed by 15 points of mIoU.
 */
export const taskDefaults = (task: TaskType): Omit<DataDefaults, 'augment'> =>
  isMapTask(task)
    ? {
        batch: 16,
        ...(task !== 'segmentation' && { optimizer: optimizerSchema.parse({ type: 'muon', muon_rate: 0.283 }) }),
        class_sampling: 'balanced',
      }
    : {};

/** The task whose defaults data has. */
const placedTasks = { boxes: 'detection', masks: 'segmentation' } as const;

/** The defaults for some data. */
export const dataDefaults = (data: DataConfig): DataDefaults => ({
  augment: defaultAugment(data),
  ...taskDefaults(isPlaced(data) ? placedTasks[data.type] : 'classification'),
});

/** The defaults of a recipe for some data. */
const recipeFor = (recipe: Recipe, { optimizer }: DataDefaults): Pick<TrainConfig, RecipeKey> => ({
  ...recipes[recipe](),
  ...(recipe === 'fast' && optimizer !== undefined && { optimizer }),
});

/**
 * Fills in the defaults of the recipe.
 * @param defaults of the data (`dataDefaults`)
 */
export function completeTraining(written: WrittenTraining, defaults: DataDefaults = {}): TrainConfig {
  const recipe = recipeOf(written);
  const { augment = [], batch = usualBatch } = defaults;
  const { optimizer, schedule, stem, final_learning_rate, tuning_rate } = recipeFor(recipe, defaults);
  const own = written.epochs !== undefined || written.steps !== undefined;
  return {
    ...written,
    recipe,
    epochs: written.epochs ?? (written.steps === undefined ? defaultLength.epochs : 1),
    steps: own || recipe === 'plain' ? written.steps : defaultLength.steps,
    batch: written.batch ?? batch,
    optimizer: written.optimizer ?? optimizer,
    schedule: written.schedule ?? schedule,
    stem: written.stem ?? stem,
    tuning_rate: written.tuning_rate ?? (written.optimizer === undefined ? tuning_rate : undefined),
    final_learning_rate: written.final_learning_rate ?? final_learning_rate,
    augment: written.augment ?? (recipe === 'fast' ? augment : []),
    class_sampling: written.class_sampling ?? (recipe === 'fast' ? defaults.class_sampling : undefined),
  };
}

/**
 * The configuration of `train` with the keys of `final:` or `supernet:` in their place.
 * @param own the keys of `final:` or `supernet:`
 * @param epochs the length if `own` has none. If `train` has its default length, too, the least number of steps grows with it:
 *   20 epochs have four times the steps of 5.
 * @param defaults of the data (`dataDefaults`); they apply when `own` names another recipe than `train`
 */
export function overTraining<T extends Partial<Pick<TrainConfig, 'recipe' | 'epochs' | 'steps' | 'optimizer'>>>(
  train: TrainConfig,
  own: T,
  epochs: number,
  defaults: DataDefaults = {},
): TrainConfig & Omit<T, 'epochs' | 'steps'> {
  const given = own.epochs !== undefined || own.steps !== undefined;
  const isDefault = train.epochs === defaultLength.epochs && train.steps === defaultLength.steps;
  const least = isDefault ? Math.round((defaultLength.steps * epochs) / defaultLength.epochs) : undefined;
  const { recipe = train.recipe } = own;
  const parts =
    recipe === undefined || recipe === train.recipe
      ? {}
      : { schedule: undefined, stem: undefined, tuning_rate: undefined, ...recipeFor(recipe, defaults) };
  const tuning = own.optimizer === undefined ? {} : { tuning_rate: undefined };
  return {
    ...train,
    ...parts,
    ...tuning,
    ...own,
    epochs: own.epochs ?? (own.steps === undefined ? epochs : 1),
    steps: given ? own.steps : least,
  };
}

/** The training with the epochs that make its least number of steps on this many training images. */
export function withStepsOn<T extends TrainConfig>(images: number, train: T): T {
  const { batch, epoch_share: share, steps = 0 } = train;
  const each = stepsPerEpoch(images, { batch, dropLast: true, share });
  return { ...train, epochs: Math.max(train.epochs, Math.ceil(steps / Math.max(1, each))) };
}

/** How often a training shows each image. */
export const timesShown = ({ epochs, epoch_share: share }: Pick<TrainConfig, 'epochs' | 'epoch_share'>): number =>
  epochs * share;

/** `train:` with the defaults of its recipe; how each candidate is trained. */
export const trainSchema = trainKeys.transform((written) => completeTraining(written));
