import type { Chosen, Kept } from '../../base/seen-boxes.js';
import type { KeptImage } from '../../base/seen-images.js';
import { imagePaths } from '../../trainers/index.js';

/**
 * Names the images that a detector or a segmenter was scored on.
 * @param seen images by their places in a split
 * @param indices of the images of the split in the converted data set, which is in `directory`
 */
export function namedImages(
  { worst, sample }: Chosen<KeptImage>,
  indices: Uint32Array,
  directory: string,
): Kept<KeptImage> {
  const paths = imagePaths(
    directory,
    [...worst, ...sample].map(({ row }) => indices[row]),
  );
  const named = (image: KeptImage): KeptImage => {
    const row = indices[image.row];
    const path = paths.get(row);
    return { ...image, row, ...(path !== undefined && { path }) };
  };
  return { directory, worst: worst.map(named), sample: sample.map(named) };
}
