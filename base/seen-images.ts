import { percent } from './number-text.js';
import { isError, kindsText, type Chosen, type SeenImage } from './seen-boxes.js';
import { pixelPairs, wrongPixels, type SeenMaskImage } from './seen-masks.js';
import { isBoxTask, type TaskType } from './task.js';

/** An image that an evaluation kept, with its boxes or with its masks. */
export type KeptImage = SeenImage | SeenMaskImage;

/** How bad the answer for an image is, for comparisons: missed and wrong boxes, or wrong pixels. @param label of one class */
export const errorsIn = (image: KeptImage, label?: number): number =>
  'boxes' in image
    ? image.boxes.filter((box) => isError(box) && (label === undefined || box.label === label)).length
    : label === undefined
      ? image.wrong
      : wrongPixels(image, label);

/** `5 right, 2 missed, 1 wrong`, or `12.00 % of the pixels wrong, most of them crack taken for background`. */
export function outcomeText(image: KeptImage, classes: readonly string[]): string {
  if ('boxes' in image) return kindsText(image.boxes);
  const pair = pixelPairs(image)
    .filter(({ truth, found }) => truth !== found)
    .toSorted((a, b) => b.count - a.count)
    .at(0);
  const most = pair === undefined ? '' : `, most of them ${classes[pair.truth]} taken for ${classes[pair.found]}`;
  return `${percent(image.wrong)} of the pixels wrong${most}`;
}

/** Above the images with the highest errors. */
export const worstTitle = (task: TaskType): string =>
  isBoxTask(task) ? 'Images with most missed and wrong boxes' : 'Images with most wrong pixels';

/** The worst images first. @param label of one class; images without errors in it are left out */
export const worstOf = <I extends KeptImage>({ worst }: Chosen<I>, label?: number): I[] =>
  worst.filter((image) => errorsIn(image, label) > 0).toSorted((a, b) => errorsIn(b, label) - errorsIn(a, label));
