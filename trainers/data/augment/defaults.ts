import { isPlaced, renderingOf, type DataConfig } from '../schema.js';
import { augmentSchema, type Augmentation } from './schema.js';
import { defaultShift } from './single.js';

/**
 * Views of each photograph in a training from which on a flip and a small shift are too few changes. On CIFAR-10, trivial-augment lost
 * 2 points with 20 views, and gained 1 to 4 with 39 to 160 (docs/benchmarks.md, "Augmentation by images and steps").
 */
const manyViews = 40;

/**
 * The augmentation of data for which none is given: a small shift, and a flip for photographs. Digits, letters and clothes
 * keep their meaning, so grey images are not mirrored. None for numbers, which may be places or sizes.
 * Boxes and masks have a window, and a flip. Photographs that a training shows often are changed more.
 * @param shown views of each image in the training; default: few
 */
export function defaultAugment(data: DataConfig, shown = 0): Augmentation {
  if (data.type === 'list' && data.task === 'regression') return [];
  if (isPlaced(data)) return augmentSchema.parse(['window', 'flip']);
  const { size, channels } = renderingOf(data);
  const crop = { type: 'crop', pixels: defaultShift(Math.min(...size)) } as const;
  if (channels === 1) return [crop];
  const light: Augmentation = [{ type: 'flip' }, crop];
  return shown < manyViews ? light : [...light, { type: 'trivial-augment', strength: 1 }];
}
