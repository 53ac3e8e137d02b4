import { jackknife } from './scoreboard.js';
import { ignoredPixel } from './seen-masks.js';
import { meanOfKnown, ratio, type Confusion, type PixelDetails, type PixelScores } from './scores.js';
import { sum } from './statistics.js';

/** Pixels of an image by class. Ignored pixels do not count. */
export interface ImagePixels {
  /** Pixels of the class in the mask. */
  readonly actual: Float64Array;
  /** Pixels that were found as the class. */
  readonly found: Float64Array;
  /** Pixels that are both. */
  readonly right: Float64Array;
}

/** Counts the pixels of an image, also into the confusion matrix of all images. */
export function countPixels(mask: Uint8Array, found: Uint8Array, confusion: readonly number[][]): ImagePixels {
  const counts = { actual: of(confusion), found: of(confusion), right: of(confusion) };
  for (let i = 0; i < mask.length; i++) {
    const [label, answer] = [mask[i], found[i]];
    if (label === ignoredPixel) continue;
    confusion[label][answer]++;
    counts.actual[label]++;
    counts.found[answer]++;
    if (label === answer) counts.right[label]++;
  }
  return counts;
}

const of = ({ length }: Confusion): Float64Array => new Float64Array(length);

/** The scores of all images, and the mean IoU of the classes that occur in masks or answers. */
export function scorePixels(
  images: readonly ImagePixels[],
  confusion: Confusion,
): { readonly score: number; readonly details: PixelDetails; readonly deviations: Float64Array } {
  /** Derivatives of the IoU of each class by the weight of each image. */
  const derivatives: Float64Array[] = [];
  const classes = confusion.map((row, label): PixelScores => {
    const [pixels, found, right] = [sum(row), sum(confusion.map((other) => other[label])), row[label]];
    const union = pixels + found - right;
    const iou = ratio(right, union);
    const unionOf = (image: ImagePixels): number => image.actual[label] + image.found[label] - image.right[label];
    derivatives.push(
      Float64Array.from(images, (image) => (iou === null ? 0 : (image.right[label] - iou * unionOf(image)) / union)),
    );
    const errors = { iou: jackknife(derivatives[label]) };
    return { pixels, iou, precision: ratio(right, found), recall: ratio(right, pixels), errors };
  });
  const known = classes.filter(({ iou }) => iou !== null).sort((a, b) => Number(a.iou) - Number(b.iou));
  const pixels = Math.max(1, sum(classes.map((row) => row.pixels)));
  const accuracy = sum(confusion.map((row, label) => row[label])) / pixels;
  const deviations = Float64Array.from(
    images,
    (_, i) => sum(derivatives.map((own) => own[i])) / Math.max(1, known.length),
  );
  const errors = {
    score: jackknife(deviations),
    worst_iou: known.at(0)?.errors.iou ?? 0,
    pixel_accuracy: jackknife(
      Float64Array.from(images, ({ actual, right }) => (sum(right) - accuracy * sum(actual)) / pixels),
    ),
  };
  return {
    score: meanOfKnown(classes.map(({ iou }) => iou)),
    details: { type: 'segmentation', confusion, classes, errors },
    deviations,
  };
}
