import { colourJitter } from './colour-jitter.js';
import { crop } from './crop.js';
import { cutmix } from './cutmix.js';
import { cutout } from './cutout.js';
import { flip } from './flip.js';
import type { Step, ViewShape } from './image.js';
import { mixup } from './mixup.js';
import { resizedCrop } from './resized-crop.js';
import { rotation } from './rotation.js';
import type { Augmentation, AugmentStep, StepConfig } from './schema.js';
import { trivialAugment } from './trivial-augment.js';

/** The implementation of each type of step. */
const implementations: {
  readonly [Type in AugmentStep['type']]: (config: StepConfig<Type>, shape: ViewShape) => Step;
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

const create = <Type extends AugmentStep['type']>(config: StepConfig<Type>, shape: ViewShape): Step =>
  // A type and its own configuration belong together.
  (implementations[config.type] as (config: StepConfig<Type>, shape: ViewShape) => Step)(config, shape);

/** The steps of an augmentation for images of a shape. */
export const createSteps = (augment: Augmentation, shape: ViewShape): readonly Step[] =>
  augment.map((step) => create(step, shape));

const mixing: ReadonlySet<AugmentStep['type']> = new Set(['mixup', 'cutmix']);

/** The augmentation without the steps that mix labels. */
export const withoutMixing = (augment: Augmentation): Augmentation => augment.filter(({ type }) => !mixing.has(type));
