import type { Box, Extent } from '../../../base/boxes.js';

/** Where a point of an image that is stored turned is shown, by its EXIF orientation. @param file size of the file */
export const turns: Readonly<Record<number, (x: number, y: number, file: Extent) => readonly [x: number, y: number]>> =
  {
    2: (x, y, { width }) => [width - x, y],
    3: (x, y, { width, height }) => [width - x, height - y],
    4: (x, y, { height }) => [x, height - y],
    5: (x, y) => [y, x],
    6: (x, y, { height }) => [height - y, x],
    7: (x, y, { width, height }) => [height - y, width - x],
    8: (x, y, { width }) => [y, width - x],
  };

/** The size of the file of an image, which is shown with another one where it is stored on its side. */
export const storedExtent = (shown: Extent, orientation: number): Extent =>
  orientation >= 5 ? { width: shown.height, height: shown.width } : shown;

/**
 * Whether boxes are written for the image as its file stores it, and not as it is shown: the size beside them is then the size of the
 * file.
 */
export const isTurned = (written: Extent | null, shown: Extent, orientation: number): written is Extent =>
  orientation >= 5 && shown.width !== shown.height && written?.width === shown.height && written.height === shown.width;

/** A box in the image as it is shown. @param file size of the image as its file holds it */
export function turnedBox<B extends Box>(box: B, file: Extent, orientation: number): B {
  const [a, b] = [turns[orientation](box.left, box.top, file), turns[orientation](box.right, box.bottom, file)];
  const [left, right] = [a[0], b[0]].sort((one, other) => one - other);
  const [top, bottom] = [a[1], b[1]].sort((one, other) => one - other);
  // A box without width or height keeps being one.
  return box.right > box.left && box.bottom > box.top ? { ...box, left, top, right, bottom } : box;
}
