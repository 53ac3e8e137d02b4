import { isBoxTask, type TaskType } from '../../../base/task.js';
import { lessons } from '../lesson.js';
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

/** Views of each image that a teacher answers one by one. Detectors learn little from views that repeat: they get new ones for some epochs. */
const taughtViews = ({ epochs }: { readonly epochs: number }, task: TaskType): number =>
  isBoxTask(task) ? Math.min(epochs, 12) : 4;

/**
 * Number of views of each image, shown in turn; Infinity: a new one in each pass.
 * @param taught the task, where the answers of a teacher are learned; null: none are
 */
export const viewsOf = (
  train: { readonly augment: Augmentation; readonly views?: number | undefined; readonly epochs: number },
  taught: TaskType | null,
): number => {
  if (train.augment.length === 0) return 1;
  return train.views ?? (taught === null || lessons[taught] === 'mean' ? Infinity : taughtViews(train, taught));
};
