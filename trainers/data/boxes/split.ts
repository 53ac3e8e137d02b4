import type { NasError } from '../../../base/errors.js';
import { assignedCode, labelStrata, noGroup, orRefusal, splitImages } from '../split-images.js';
import { splitNames, type SplitName } from '../splits.js';
import type { BoxData } from './read.js';
import type { BoxesConfig } from '../schema.js';

/**
 * The split of each image: the one of the source, or a share of the images by their rarest class, so that each split has rare
 * classes; groups stay together.
 * @throws NasError `invalid-input` when there are too few images
 */
export function splitBoxes(
  { images, classes }: BoxData,
  shares: Pick<BoxesConfig, 'test' | 'validation'>,
): SplitName[] {
  const groups = new Map<string, number>();
  for (const { group } of images) if (group !== '' && !groups.has(group)) groups.set(group, groups.size);
  const targets = new Float32Array(images.length * classes.length);
  images.forEach(({ boxes }, i) => {
    for (const { label, ignored } of boxes) if (!ignored) targets[i * classes.length + label] = 1;
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

/** `splitBoxes`, or why the images cannot be split. */
export const splitsOrRefusal = (data: BoxData, config: BoxesConfig): readonly SplitName[] | NasError =>
  orRefusal(() => splitBoxes(data, config));
