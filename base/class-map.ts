import type { Placement } from './detections.js';

/** Logits of the classes for each cell of an image, as a segmenter answers. */
export interface ClassMap {
  readonly rows: number;
  readonly columns: number;
  readonly classes: number;
  /** Pixels for each cell. */
  readonly stride: number;
  /** [rows, columns, classes]. */
  readonly values: Float32Array;
}

/** Between which two cells the middle of a pixel lies, and the share of the second one. */
interface Between {
  readonly first: number;
  readonly second: number;
  readonly share: number;
}

/** At the border, a pixel beyond the middle of the outermost cell has the value of that cell. */
const places = (pixels: number, cells: number, stride: number, scale: number, from: number): readonly Between[] =>
  Array.from({ length: pixels }, (_, pixel) => {
    const at = Math.min(cells - 1, Math.max(0, ((pixel + 0.5) * scale + from) / stride - 0.5));
    const first = Math.floor(at);
    return { first, second: Math.min(cells - 1, first + 1), share: at - first };
  });

/** The first of the largest values of a cell, or of a place between two cells. */
function largest(row: Float32Array, left: number, right: number, share: number, classes: number): number {
  let [best, most] = [0, -Infinity];
  for (let label = 0; label < classes; label++) {
    const value = row[left + label];
    const logit = value + (row[right + label] - value) * share;
    if (logit > most) [best, most] = [label, logit];
  }
  return best;
}

/** The image of the network itself. */
const whole: Placement = { scaleX: 1, scaleY: 1, left: 0, top: 0 };

/**
 * Finds the classes of an image's pixels, one row after the other: logits are upsampled bilinearly between the centres of the cells
 * (half-pixel centres), and the largest is taken, of equal ones the first. Every reader of a segmenter's file decides so.
 * @param size of the image, which may end within the last cells
 * @param placement where the image lies in the network's input
 * @returns writes the classes of a row of pixels to a place of an array
 */
export function classesOfRows(
  { rows, columns, classes, stride, values }: ClassMap,
  [height, width]: readonly [number, number],
  { scaleX, scaleY, left, top }: Placement = whole,
): (y: number, into: Uint8Array, at: number) => void {
  const across = places(width, columns, stride, scaleX, left);
  const down = places(height, rows, stride, scaleY, top);
  const row = new Float32Array(columns * classes);
  const cells = new Uint8Array(columns);
  return (y, into, at) => {
    const { first, second, share } = down[y];
    const [above, below] = [first * row.length, second * row.length];
    for (let i = 0; i < row.length; i++) {
      const value = values[above + i];
      row[i] = value + (values[below + i] - value) * share;
    }
    for (let column = 0; column < columns; column++)
      cells[column] = largest(row, column * classes, column * classes, 0, classes);
    // A class that is the largest in both cells is the largest between them.
    for (let x = 0; x < width; x++) {
      const place = across[x];
      const label = cells[place.first];
      into[at + x] =
        label === cells[place.second]
          ? label
          : largest(row, place.first * classes, place.second * classes, place.share, classes);
    }
  };
}

/** The class of each pixel: see `classesOfRows`. @returns [height, width] */
export function largestClasses(map: ClassMap, size: readonly [number, number], placement?: Placement): Uint8Array {
  const [height, width] = size;
  const classesOf = classesOfRows(map, size, placement);
  const found = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) classesOf(y, found, y * width);
  return found;
}
