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

/** Pixels before the middle of the first cell and after that of the last one have its value. */
const places = (pixels: number, cells: number, stride: number): readonly Between[] =>
  Array.from({ length: pixels }, (_, pixel) => {
    const at = Math.min(cells - 1, Math.max(0, (pixel + 0.5) / stride - 0.5));
    const first = Math.floor(at);
    return { first, second: Math.min(cells - 1, first + 1), share: at - first };
  });

/**
 * The class of each pixel: logits are upsampled bilinearly between the centres of the cells (half-pixel centres), and the largest is
 * taken, of equal ones the first. Every reader of a segmenter's file decides so.
 * @param size of the network's image, which may end within the last cells
 * @returns [height, width]
 */
export function largestClasses(map: ClassMap, [height, width]: readonly [number, number]): Uint8Array {
  const { rows, columns, classes, stride, values } = map;
  const across = places(width, columns, stride);
  const row = new Float32Array(columns * classes);
  const found = new Uint8Array(height * width);
  let pixel = 0;
  for (const down of places(height, rows, stride)) {
    const [above, below] = [down.first * row.length, down.second * row.length];
    for (let i = 0; i < row.length; i++) {
      const value = values[above + i];
      row[i] = value + (values[below + i] - value) * down.share;
    }
    for (const { first, second, share } of across) {
      const [left, right] = [first * classes, second * classes];
      let [best, most] = [0, -Infinity];
      for (let label = 0; label < classes; label++) {
        const value = row[left + label];
        const logit = value + (row[right + label] - value) * share;
        if (logit > most) [best, most] = [label, logit];
      }
      found[pixel++] = best;
    }
  }
  return found;
}
