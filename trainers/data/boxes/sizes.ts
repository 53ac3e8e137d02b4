import type { Extent } from '../../../base/boxes.js';
import { quantile } from '../../../base/statistics.js';
import type { BoxImage } from './read.js';

/** Sides of boxes at the size of a network. */
export interface NetworkSize extends Extent {
  /** Share of the boxes whose side is under 6 pixels there; the side of a box is the root of its area. */
  readonly under6: number;
  /** The same share of the boxes of the class that has most of such boxes. */
  readonly worst: number;
  /** Share of the boxes from 6 to 16 pixels. */
  readonly under16: number;
  /** 10 % of the boxes are smaller. */
  readonly small: number;
  readonly median: number;
}

/** A size and an output stride for a network, with the reason. */
export interface SizeAdvice extends NetworkSize {
  readonly stride: 4 | 8 | 16;
}

const longerSides = [96, 128, 160, 192, 256, 320, 416, 512, 640];
/** A network finds few boxes of under 6 pixels: more of them than these shares, of all boxes and of a class, ask for a larger size. */
const most = { under6: 0.2, worst: 1 / 3 };
/** Sides of networks are multiples of this: the strides that are common. */
const multiple = 16;

/** Sides of the boxes of images that a network of a size sees whole (letterbox), by class. */
function sidesAt(images: readonly BoxImage[], { width, height }: Extent): number[][] {
  const sides: number[][] = [];
  for (const image of images) {
    const scale = Math.min(width / image.width, height / image.height);
    for (const { label, ignored, left, right, top, bottom } of image.boxes)
      if (!ignored) (sides[label] ??= []).push(scale * Math.sqrt((right - left) * (bottom - top)));
  }
  return sides.filter((own) => own.length > 0);
}

const rounded = (side: number): number => multiple * Math.max(1, Math.round(side / multiple));

/** A size with a longer side and the median proportions of the images. */
export function sizeAlong(images: readonly Extent[], side: number): Extent {
  const aspects = images.map(({ width, height }) => width / height).sort((a, b) => a - b);
  const aspect = quantile(aspects, 0.5);
  return { width: rounded(side * Math.min(1, aspect)), height: rounded(side / Math.max(1, aspect)) };
}

/** The boxes at each size of networks whose sides have the median proportions of the images; none where there are no boxes. */
export function networkSizes(images: readonly BoxImage[]): NetworkSize[] {
  const longer = images.map(({ width, height }) => Math.max(width, height)).sort((a, b) => a - b);
  // Enlarged images show nothing more.
  const useful = longerSides.filter((side, i) => i === 0 || side <= quantile(longer, 0.5));
  return useful.flatMap((side) => {
    const size = sizeAlong(images, side);
    const byClass = sidesAt(images, size);
    const sides = byClass.flat().sort((a, b) => a - b);
    if (sides.length === 0) return [];
    const share = (limit: number, of = sides): number => of.filter((one) => one < limit).length / of.length;
    const under6 = share(6);
    const worst = Math.max(...byClass.map((own) => share(6, own)));
    const [small, median] = [quantile(sides, 0.1), quantile(sides, 0.5)];
    return [{ ...size, under6, worst, under16: share(16) - under6, small, median }];
  });
}

/** The smallest size that shows enough of the boxes, else the largest; and the coarsest stride whose cells the boxes fill. */
export function adviseSize(sizes: readonly NetworkSize[]): SizeAdvice | null {
  const size = sizes.find(({ under6, worst }) => under6 <= most.under6 && worst <= most.worst) ?? sizes.at(-1);
  if (size === undefined) return null;
  // A cell answers for its boxes where they cover two cells.
  return { ...size, stride: size.small >= 32 ? 16 : size.small >= 16 ? 8 : 4 };
}
