import { imagePaths } from '../../trainers/index.js';

interface Placed {
  readonly row: number;
  readonly path?: string;
}

interface Chosen<I> {
  readonly worst: readonly I[];
  readonly sample: readonly I[];
}

/**
 * Names the images that a detector or a segmenter was scored on.
 * @param seen images by their places in a split
 * @param indices of the images of the split in the converted data set, which is in `directory`
 */
export function namedImages<I extends Placed>(
  { worst, sample }: Chosen<I>,
  indices: Uint32Array,
  directory: string,
): Chosen<I> & { readonly directory: string } {
  const paths = imagePaths(
    directory,
    [...worst, ...sample].map(({ row }) => indices[row]),
  );
  const named = (image: I): I => {
    const row = indices[image.row];
    const path = paths.get(row);
    return { ...image, row, ...(path !== undefined && { path }) };
  };
  return { directory, worst: worst.map(named), sample: sample.map(named) };
}
