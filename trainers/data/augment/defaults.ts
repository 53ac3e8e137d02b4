import { isPlaced, renderingOf, type DataConfig } from '../schema.js';
import { augmentSchema, type Augmentation } from './schema.js';
import { defaultShift } from './single.js';

/**
 * The augmentation of data for which none is given: a small shift, and a flip for photographs. Digits, letters and clothes
 * keep their meaning, so grey images are not mirrored. None for numbers, which may be places or sizes.
 * Boxes and masks have a window, and a flip.
 */
export function defaultAugment(data: DataConfig): Augmentation {
  if (data.type === 'list' && data.task === 'regression') return [];
  if (isPlaced(data)) return augmentSchema.parse(['window', 'flip']);
  const { size, channels } = renderingOf(data);
  const crop = { type: 'crop', pixels: defaultShift(Math.min(...size)) } as const;
  return channels === 1 ? [crop] : [{ type: 'flip' }, crop];
}

/** Number of views of each image, shown in turn; Infinity: a new one in each pass. */
export const viewsOf = ({
  augment,
  views = Infinity,
}: {
  readonly augment: Augmentation;
  readonly views?: number | undefined;
}): number => (augment.length === 0 ? 1 : views);
