import { invalidInput } from '../../../base/errors.js';
import { type TaskType, isMapTask } from '../../../base/task.js';
import type { Step, ViewShape } from './image.js';
import { cutmix, mixup } from './mixing.js';
import { colourJitter, crop, cutout, flip, resizedCrop, rotation } from './single.js';
import type { Augmentation, AugmentStep } from './schema.js';
import { trivialAugment } from './trivial-augment.js';

/** Steps that show images with boxes elsewhere or at another size; `PlacedRenderer` knows them. */
type FrameStep = 'window' | 'mosaic';
type PixelStep = Exclude<AugmentStep, { readonly type: FrameStep }>;
/** The configuration of a step. */
type ConfigOf<Type extends PixelStep['type']> = Extract<PixelStep, { readonly type: Type }>;

/** Steps that images with boxes or masks can have. */
const placedSteps: ReadonlySet<AugmentStep['type']> = new Set(['flip', 'window', 'mosaic', 'colour-jitter']);

/** Why a step does not suit the images of a task; null: it does. */
export function unsuitedStep(task: TaskType, type: AugmentStep['type']): string | null {
  if (!isMapTask(task))
    return type === 'window' || type === 'mosaic' ? `${type} is for images with boxes or masks` : null;
  const moved = task === 'segmentation' ? 'masks' : 'boxes';
  return placedSteps.has(type) ? null : `${type} cannot move ${moved} (${[...placedSteps].join(', ')} can)`;
}

/** The implementation of each type of step. */
const implementations: {
  readonly [Type in PixelStep['type']]: (config: ConfigOf<Type>, shape: ViewShape) => Step;
} = {
  flip,
  crop,
  'resized-crop': resizedCrop,
  'colour-jitter': colourJitter,
  rotation,
  'trivial-augment': trivialAugment,
  cutout,
  mixup,
  cutmix,
};

const create = <Type extends PixelStep['type']>(config: ConfigOf<Type>, shape: ViewShape): Step =>
  // A type and its own configuration belong together.
  (implementations[config.type] as (config: ConfigOf<Type>, shape: ViewShape) => Step)(config, shape);

/** The steps of an augmentation for images of a shape. */
export const createSteps = (augment: Augmentation, shape: ViewShape): readonly Step[] =>
  augment.map((step) => {
    if (step.type === 'window' || step.type === 'mosaic')
      throw invalidInput(unsuitedStep('classification', step.type) ?? step.type, {
        hint: 'Leave it out of train.augment.',
      });
    return create(step, shape);
  });

const mixing: ReadonlySet<AugmentStep['type']> = new Set(['mixup', 'cutmix']);

/** The augmentation without the steps that mix labels. */
export const withoutMixing = (augment: Augmentation): Augmentation => augment.filter(({ type }) => !mixing.has(type));
