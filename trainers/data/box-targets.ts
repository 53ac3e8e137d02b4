import { areaOf, type LabelledBox } from '../../base/boxes.js';

/** Values of a cell: label, dx, dy, width, height, in cells from the centre of the cell. */
export const targetValues = 5;

/** Labels of cells without a box. */
export const cellLabels = { background: -1, ignored: -2 } as const;

/** A box is the answer of the cells whose centres are so near to its own, in cells. */
const reach = 1.5;

/** The cells of a detector: [rows, columns] of a stride in pixels. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
  readonly stride: number;
}

export const gridOf = ([height, width]: readonly [number, number], stride: number): Grid => ({
  rows: Math.ceil(height / stride),
  columns: Math.ceil(width / stride),
  stride,
});

/**
 * Writes the targets [rows, columns, 5] of an image. A box is the answer of the cell of its centre, and of the cells around it whose
 * centres lie in the middle half of the box (centre sampling, Tian et al. 2019); smaller boxes win. No loss is taken of cells whose
 * centres lie in ignored boxes.
 */
export function writeTargets({ rows, columns, stride }: Grid, boxes: readonly LabelledBox[], into: Float32Array): void {
  for (let at = 0; at < into.length; at += targetValues) {
    into.fill(0, at, at + targetValues);
    into[at] = cellLabels.background;
  }
  const each = (
    y: (centre: number) => boolean,
    x: (centre: number) => boolean,
    write: (at: number, y: number, x: number) => void,
  ) => {
    for (let row = 0; row < rows; row++) {
      if (!y(row + 0.5)) continue;
      for (let column = 0; column < columns; column++)
        if (x(column + 0.5)) write((row * columns + column) * targetValues, row + 0.5, column + 0.5);
    }
  };
  for (const { left, right, top, bottom, ignored } of boxes) {
    if (!ignored) continue;
    each(
      (y) => y * stride >= top && y * stride < bottom,
      (x) => x * stride >= left && x * stride < right,
      (at) => (into[at] = cellLabels.ignored),
    );
  }
  const largestFirst = boxes.filter(({ ignored }) => !ignored).sort((a, b) => areaOf(b) - areaOf(a));
  for (const { left, right, top, bottom, label } of largestFirst) {
    const [centreX, centreY] = [(left + right) / 2 / stride, (top + bottom) / 2 / stride];
    const [width, height] = [(right - left) / stride, (bottom - top) / stride];
    const isNear = (own: number, side: number, cells: number) => {
      const cell = Math.min(cells - 1, Math.max(0, Math.floor(own))) + 0.5;
      const most = Math.min(reach, side / 2);
      return (centre: number): boolean => centre === cell || Math.abs(centre - own) <= most;
    };
    // The cell of the centre, and the others that are near on both axes.
    const [nearY, nearX] = [isNear(centreY, height, rows), isNear(centreX, width, columns)];
    each(nearY, nearX, (at, y, x) => into.set([label, centreX - x, centreY - y, width, height], at));
  }
}
