import { quantile } from '../../base/statistics.js';
import {
  adviseSize,
  findingKinds,
  networkSizes,
  readBoxes,
  type BoxData,
  type BoxesConfig,
  type FindingKind,
  type NetworkSize,
  type ReadBoxesOptions,
  type SizeAdvice,
  type SplitName,
} from '../../trainers/index.js';
import { countBySplit, describePlaced, type Described, type PlacedDescription, type SplitCounts } from './placed.js';

/** A class with its boxes. */
export interface BoxClass {
  readonly name: string;
  /** Boxes that count, without the ignored ones. */
  readonly boxes: number;
  readonly ignored: number;
  /** Images with a box that counts. */
  readonly images: number;
  /** Boxes by split; null: the images cannot be split. */
  readonly splits: SplitCounts | null;
  /** Sides of the boxes, the root of their area, as shares of the root of the area of their image; null: no boxes. */
  readonly sides: { readonly small: number; readonly median: number; readonly large: number } | null;
}

/** The contents of a data set of boxes, and what is wrong with them. */
export interface BoxesDescription extends PlacedDescription<FindingKind> {
  readonly name: string;
  readonly data: BoxesConfig;
  readonly format: BoxData['format'];
  readonly images: number;
  readonly boxes: number;
  readonly ignored: number;
  /** Images without boxes, which are used. */
  readonly withoutBoxes: number;
  /** Images that no file with boxes names. */
  readonly unlabelled: number;
  readonly classes: readonly BoxClass[];
  readonly sizes: readonly NetworkSize[];
  /** A size and a stride of networks for the boxes; null: there are none. */
  readonly advice: SizeAdvice | null;
  readonly notes: readonly string[];
}

export type DescribedBoxes = Described<BoxesDescription, BoxData>;

/** Reads and describes a data set of boxes. @throws NasError `invalid-input` with file and line as `readBoxes` */
export async function describeBoxes(config: BoxesConfig, options: ReadBoxesOptions): Promise<DescribedBoxes> {
  const data = await readBoxes(config, options);
  const { images, findings, classes } = data;
  const labelled = images.map((image) => ({
    ...image,
    labels: [...new Set(image.boxes.flatMap(({ label, ignored }) => (ignored ? [] : [label])))],
  }));
  const { placed, splits } = describePlaced(labelled, classes, config, { findings, kinds: findingKinds });
  const all = images.flatMap(({ boxes }) => boxes);
  const ignored = all.filter((box) => box.ignored).length;
  const sizes = networkSizes(images);
  const description: BoxesDescription = {
    ...{ name: config.path, data: config, format: data.format, images: images.length, sizes },
    boxes: all.length - ignored,
    ignored,
    withoutBoxes: images.filter(({ boxes }) => boxes.length === 0).length,
    ...{ unlabelled: data.unlabelled, notes: data.notes, advice: adviseSize(sizes) },
    ...placed,
    classes: classes.map((name, label) => classOf(name, label, data, splits)),
  };
  return { description, data, images: labelled, splits };
}

function classOf(name: string, label: number, { images }: BoxData, splits: readonly SplitName[] | null): BoxClass {
  const own = images.map(({ boxes }) => boxes.filter((box) => box.label === label));
  const counting = own.map((boxes) => boxes.filter(({ ignored }) => !ignored));
  const sides = counting.flatMap((boxes, i) =>
    boxes.map(({ left, right, top, bottom }) =>
      Math.sqrt(((right - left) * (bottom - top)) / (images[i].width * images[i].height)),
    ),
  );
  sides.sort((a, b) => a - b);
  const [small, median, large] = [0.1, 0.5, 0.9].map((q) => quantile(sides, q));
  return {
    name,
    boxes: sides.length,
    ignored: own.flat().length - sides.length,
    images: counting.filter((boxes) => boxes.length > 0).length,
    splits: splits && countBySplit(splits.map((split, i) => [split, counting[i].length])),
    sides: sides.length === 0 ? null : { small, median, large },
  };
}
