import { sum } from '../../base/statistics.js';
import {
  maskFindings,
  readMasks,
  type MaskData,
  type MaskFindingKind,
  type MasksConfig,
  type ReadBoxesOptions,
} from '../../trainers/index.js';
import { countBySplit, describePlaced, type Described, type PlacedDescription, type SplitCounts } from './placed.js';

/** A class with its pixels. */
export interface MaskClass {
  readonly name: string;
  /** Share of the pixels that count. */
  readonly share: number;
  /** Images with a pixel of it. */
  readonly images: number;
  /** These by split; null: the images cannot be split. */
  readonly splits: SplitCounts | null;
  /** Median share of the pixels of an image that has it; null: none has. */
  readonly median: number | null;
}

/** The contents of a data set of masks, and what is wrong with them. */
export interface MasksDescription extends PlacedDescription<MaskFindingKind> {
  readonly name: string;
  readonly data: MasksConfig;
  readonly images: number;
  readonly classes: readonly MaskClass[];
  /** Share of all pixels that do not count. */
  readonly ignored: number;
  /** Images whose pixels are all of one class. */
  readonly plain: number;
  readonly notes: readonly string[];
}

export type DescribedMasks = Described<MasksDescription, MaskData>;

/** Reads and describes a data set of masks. @throws NasError `invalid-input` as `readMasks` */
export async function describeMasks(config: MasksConfig, options: ReadBoxesOptions): Promise<DescribedMasks> {
  const data = await readMasks(config, options);
  const { images, classes, findings, notes } = data;
  const labelled = images.map((image) => ({
    ...image,
    labels: image.pixels.flatMap((count, label) => (count > 0 ? [label] : [])),
  }));
  const { placed, splits } = describePlaced(labelled, classes, config, { findings, kinds: maskFindings });
  const counted = sum(images.map(({ pixels }) => sum(pixels)));
  const ignored = sum(images.map((image) => image.ignored));
  const description: MasksDescription = {
    ...{ name: config.path, data: config, images: images.length, notes, ...placed },
    ignored: ignored / Math.max(1, ignored + counted),
    plain: labelled.filter(({ labels }) => labels.length === 1).length,
    classes: classes.map((name, label): MaskClass => {
      const shares = images.flatMap(({ pixels }) => (pixels[label] > 0 ? [pixels[label] / sum(pixels)] : []));
      shares.sort((a, b) => a - b);
      const has = labelled.map(({ labels }) => Number(labels.includes(label)));
      return {
        name,
        share: sum(images.map(({ pixels }) => pixels[label])) / Math.max(1, counted),
        images: shares.length,
        splits: splits && countBySplit(splits.map((split, i) => [split, has[i]])),
        median: shares.at(Math.floor(shares.length / 2)) ?? null,
      };
    }),
  };
  return { description, data, images: labelled, splits };
}
