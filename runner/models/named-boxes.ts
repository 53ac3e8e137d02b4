import type { SeenBoxes, SeenImage, SeenImages } from '../../base/seen-boxes.js';
import { imagePaths } from '../../trainers/index.js';

/**
 * Names the images that a detector was scored on.
 * @param seen images by their places in a split
 * @param indices of the images of the split in the converted data set, which is in `directory`
 */
export function namedBoxes({ worst, sample }: SeenImages, indices: Uint32Array, directory: string): SeenBoxes {
  const paths = imagePaths(
    directory,
    [...worst, ...sample].map(({ row }) => indices[row]),
  );
  const named = ({ row: place, ...image }: SeenImage): SeenImage => {
    const row = indices[place];
    const path = paths.get(row);
    return { row, ...(path !== undefined && { path }), ...image };
  };
  return { directory, worst: worst.map(named), sample: sample.map(named) };
}
