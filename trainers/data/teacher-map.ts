import { boxValues } from '../../base/detections.js';
import { gridOf, type Grid } from './box-targets.js';
import type { LogitsShape } from './logits-file.js';
import type { Size } from './splits.js';

/** The cells of a detector for images of a size. */
export interface MapCells {
  readonly size: Size;
  /** Pixels for each cell. */
  readonly stride: number;
}

/** How the maps of a teacher are stored. */
export function mapShape({ size, stride }: MapCells, classes: number): Pick<LogitsShape, 'outputs' | 'half'> {
  const { rows, columns } = gridOf(size, stride);
  return { outputs: rows * columns * (classes + boxValues.detection), half: true };
}

/** Cells of an axis of one map that lie in each cell of another one: from `first` until before `end`. */
interface Range {
  readonly first: number;
  readonly end: number;
}

/** @param ratio cells of `from` for each cell of `to` */
const rangesOf = (from: number, to: number, ratio: number): readonly Range[] =>
  Array.from({ length: to }, (_, i) => {
    const first = Math.min(from - 1, Math.floor(i * ratio));
    return { first, end: Math.min(from, Math.max(first + 1, Math.ceil((i + 1) * ratio))) };
  });

/**
 * The maps of a detector in the cells of another one, for the same views in another size. A cell has the largest logits of the cells
 * that lie in it, and the box of the surest one.
 * @param maps [images, rows, columns, classes + 4] @returns the same in the cells `to`
 */
export function resampledMaps(maps: Float32Array, from: MapCells, to: MapCells, classes: number): Float32Array {
  const [own, wanted] = [gridOf(from.size, from.stride), gridOf(to.size, to.stride)];
  const cells = ({ rows, columns }: Grid): number => rows * columns;
  const depth = classes + boxValues.detection;
  // Cells of `from` for each cell of `to`.
  const [down, across] = [0, 1].map((axis) => (to.stride * from.size[axis]) / (to.size[axis] * from.stride));
  if (down === 1 && across === 1 && cells(own) === cells(wanted)) return maps;
  const rows = rangesOf(own.rows, wanted.rows, down);
  const columns = rangesOf(own.columns, wanted.columns, across);
  const images = maps.length / (cells(own) * depth);
  const result = new Float32Array(images * cells(wanted) * depth).fill(-Infinity);
  let at = 0;
  for (let image = 0; image < images; image++)
    for (const [y, inRow] of rows.entries())
      for (const [x, inColumn] of columns.entries()) {
        let most = -Infinity;
        for (let row = inRow.first; row < inRow.end; row++)
          for (let column = inColumn.first; column < inColumn.end; column++) {
            const cell = ((image * own.rows + row) * own.columns + column) * depth;
            let score = -Infinity;
            for (let k = 0; k < classes; k++) {
              score = Math.max(score, maps[cell + k]);
              result[at + k] = Math.max(result[at + k], maps[cell + k]);
            }
            if (score <= most) continue;
            most = score;
            const [box, into] = [cell + classes, at + classes];
            result[into] = (column + 0.5 + maps[box]) / across - (x + 0.5);
            result[into + 1] = (row + 0.5 + maps[box + 1]) / down - (y + 0.5);
            result[into + 2] = maps[box + 2] - Math.log(across);
            result[into + 3] = maps[box + 3] - Math.log(down);
          }
        at += depth;
      }
  return result;
}
