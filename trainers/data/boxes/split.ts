import type { NasError } from '../../../base/errors.js';
import { assignedCode, labelStrata, noGroup, orRefusal, splitImages } from '../split-images.js';
import { splitNames, type SplitName, type SplitShares } from '../splits.js';

/** An image with boxes or a mask, before it is converted. */
export interface SplitImage {
  /** The split that the source assigns; null: none. */
  readonly split: SplitName | null;
  /** Name of the group that stays in one split; empty: none. */
  readonly group: string;
  /** SHA-256 of the file. */
  readonly content: string;
  /** Classes of its boxes or pixels. */
  readonly labels: readonly number[];
}

/**
 * The split of each image: the one of the source, or a share of the images by their rarest class, so that each split has rare
 * classes; groups stay together.
 * @throws NasError `invalid-input` when there are too few images
 */
function splitsOf(
  images: readonly SplitImage[],
  classes: readonly string[],
  shares: Pick<SplitShares, 'test' | 'validation'>,
): SplitName[] {
  const groups = new Map<string, number>();
  for (const { group } of images) if (group !== '' && !groups.has(group)) groups.set(group, groups.size);
  const targets = new Float32Array(images.length * classes.length);
  images.forEach(({ labels }, i) => {
    for (const label of labels) targets[i * classes.length + label] = 1;
  });
  const table = {
    count: images.length,
    labels: new Uint16Array(images.length),
    // 52 bits of the hash of the file, as of the pixels of converted images.
    keys: Float64Array.from(images, ({ content }) => Number.parseInt(content.slice(0, 13), 16)),
    assigned: Uint8Array.from(images, ({ split }) => assignedCode(split)),
    groups: groups.size === 0 ? null : Uint32Array.from(images, ({ group }) => groups.get(group) ?? noGroup),
  };
  const { labels, strata } = labelStrata(table, classes, targets);
  const found = splitImages({ ...table, labels }, strata, { ...shares, subset: 1 });
  const splits = new Array<SplitName>(images.length);
  for (const name of splitNames) for (const image of found[name]) splits[image] = name;
  return splits;
}

/** The split of each image, or why the images cannot be split. */
export const splitsOrRefusal = (...given: Parameters<typeof splitsOf>): readonly SplitName[] | NasError =>
  orRefusal(() => splitsOf(...given));
