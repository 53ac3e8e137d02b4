import { boxValues } from '../../base/detections.js';
import { isMapTask, type MapTask, type TaskType } from '../../base/task.js';
import { gridOf, type Grid } from './box-targets.js';
import type { LogitsShape } from './logits-file.js';
import type { Size } from './splits.js';

/** The cells of a detector or segmenter for images of a size. */
export interface MapCells {
  readonly size: Size;
  /** Pixels for each cell. */
  readonly stride: number;
}

/** The values of a map. */
interface MapValues {
  readonly task: MapTask;
  readonly classes: number;
}

/** @throws Error for a task without maps */
export function mapValues({
  task,
  classes,
}: {
  readonly task: { readonly type: TaskType };
  readonly classes: readonly string[];
}): MapValues {
  if (!isMapTask(task.type)) throw new Error(`networks for ${task.type} have no maps`);
  return { task: task.type, classes: classes.length };
}

/** How the maps of a teacher are stored. */
export function mapShape(
  { size, stride }: MapCells,
  { task, classes }: MapValues,
): Pick<LogitsShape, 'outputs' | 'half'> {
  const { rows, columns } = gridOf(size, stride);
  return { outputs: rows * columns * (classes + boxValues[task]), half: true };
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
 * The maps of a network in the cells of another one, for the same views in another size. A cell has the largest logits of the cells
 * that lie in it, and the box of the surest one; of a segmenter, their mean.
 * @param maps [images, rows, columns, classes + 4], of a segmenter [..., classes] @returns the same in the cells `to`
 */
export function resampledMaps(
  maps: Float32Array,
  from: MapCells,
  to: MapCells,
  { task, classes }: MapValues,
): Float32Array {
  const [own, wanted] = [gridOf(from.size, from.stride), gridOf(to.size, to.stride)];
  const cells = ({ rows, columns }: Grid): number => rows * columns;
  const depth = classes + boxValues[task];
  const isMean = task === 'segmentation';
  // Cells of `from` for each cell of `to`.
  const [down, across] = [0, 1].map((axis) => (to.stride * from.size[axis]) / (to.size[axis] * from.stride));
  if (down === 1 && across === 1 && cells(own) === cells(wanted)) return maps;
  const rows = rangesOf(own.rows, wanted.rows, down);
  const columns = rangesOf(own.columns, wanted.columns, across);
  const images = maps.length / (cells(own) * depth);
  const result = new Float32Array(images * cells(wanted) * depth).fill(isMean ? 0 : -Infinity);
  let at = 0;
  for (let image = 0; image < images; image++)
    for (const [y, inRow] of rows.entries())
      for (const [x, inColumn] of columns.entries()) {
        let most = -Infinity;
        const share = 1 / ((inRow.end - inRow.first) * (inColumn.end - inColumn.first));
        for (let row = inRow.first; row < inRow.end; row++)
          for (let column = inColumn.first; column < inColumn.end; column++) {
            const cell = ((image * own.rows + row) * own.columns + column) * depth;
            let score = -Infinity;
            for (let k = 0; k < classes; k++) {
              score = Math.max(score, maps[cell + k]);
              const logit = maps[cell + k];
              result[at + k] = isMean ? result[at + k] + share * logit : Math.max(result[at + k], logit);
            }
            if (depth === classes || score <= most) continue;
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
