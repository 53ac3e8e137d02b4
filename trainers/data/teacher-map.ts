import type { Box } from '../../base/boxes.js';
import { boxValues, sizeRange } from '../../base/detections.js';
import { isMapTask, type MapTask, type TaskType } from '../../base/task.js';
import { along, inverse, visiblePart, type Axis, type Place } from './augment/geometry.js';
import { gridOf } from './box-targets.js';
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

/** The logits of all classes in cells that show no image. */
const surelyBackground = -16;

/** The cells of one side of a teacher's map that answer for a cell of a view: from `first`, each with a weight. */
interface Answering {
  readonly first: number;
  readonly weights: readonly number[];
}

/** The cells whose middles lie in a range, or the one at its middle; none where that is outside. */
function middlesIn(from: number, to: number, cells: number): Answering {
  const [first, end] = [Math.max(0, Math.ceil(from - 0.5)), Math.min(cells, Math.ceil(to - 0.5))];
  if (end > first) return { first, weights: Array.from({ length: end - first }, () => 1) };
  const middle = Math.floor((from + to) / 2);
  return { first: middle, weights: middle >= 0 && middle < cells ? [1] : [] };
}

/** The cells that lie in a range, with their shares of it; the last cell of the side where it is outside. */
function sharesOf(from: number, to: number, cells: number): Answering {
  const [low, high] = [Math.max(0, from), Math.min(cells, to)];
  if (high <= low) return { first: from < 0 ? 0 : cells - 1, weights: [1] };
  const first = Math.floor(low);
  const share = (cell: number): number => (Math.min(high, cell + 1) - Math.max(low, cell)) / (high - low);
  return { first, weights: Array.from({ length: Math.ceil(high) - first }, (_, i) => share(first + i)) };
}

/** One side of a view: its pixels, its cells, and the cells of a teacher's map in these pixels. */
interface Side {
  readonly pixels: number;
  readonly stride: number;
  readonly cells: number;
  readonly teacher: { readonly stride: number; readonly cells: number };
}

/** The cells of a side whose middles lie in a part of the view, with the teacher's cells that answer for them. */
function answering(
  { pixels, stride, cells, teacher }: Side,
  axis: Axis,
  [start, end]: readonly [number, number],
  choose: (from: number, to: number, cells: number) => Answering,
): readonly (Answering & { readonly cell: number })[] {
  const back = inverse(axis);
  return Array.from({ length: cells }, (_, cell) => cell).flatMap((cell) => {
    const [low, high] = [cell * stride, Math.min(pixels, (cell + 1) * stride)];
    const middle = (low + high) / 2;
    if (middle < start || middle >= end) return [];
    const [from, to] = along(back, low, high);
    return [{ cell, ...choose(from / teacher.stride, to / teacher.stride, teacher.cells) }];
  });
}

/** The place of a cell in its map. */
interface CellAt {
  readonly row: number;
  readonly column: number;
}

/** An image in a view, with the teacher's map of the image as it is. */
export interface ShownMap extends Place {
  /** [rows, columns, classes + 4]; of a segmenter and of centroids [..., classes]. */
  readonly map: Float32Array;
}

const sideOf = (log: number): number => Math.exp(Math.min(sizeRange[1], Math.max(sizeRange[0], log)));

/** The box of a cell in pixels. @param at where its dx, dy, log width and log height begin */
function boxOf(values: Float32Array, at: number, { row, column }: CellAt, [height, width]: Size): Box {
  const [x, y] = [column + 0.5 + values[at], row + 0.5 + values[at + 1]];
  const [halfWidth, halfHeight] = [sideOf(values[at + 2]) / 2, sideOf(values[at + 3]) / 2];
  return {
    left: (x - halfWidth) * width,
    right: (x + halfWidth) * width,
    top: (y - halfHeight) * height,
    bottom: (y + halfHeight) * height,
  };
}

/** Writes the box of a cell. @param box in pixels @param at where its dx, dy, log width and log height begin */
function writeBox(
  { left, right, top, bottom }: Box,
  { row, column }: CellAt,
  stride: number,
  into: Float32Array,
  at: number,
) {
  into[at] = (left + right) / 2 / stride - (column + 0.5);
  into[at + 1] = (top + bottom) / 2 / stride - (row + 0.5);
  into[at + 2] = Math.log((right - left) / stride);
  into[at + 3] = Math.log((bottom - top) / stride);
}

/** A teacher's map of an image. */
interface TeacherMap {
  readonly values: Float32Array;
  readonly columns: number;
  readonly classes: number;
  /** Values of a cell. */
  readonly depth: number;
}

/** Writes the mean of the logits of some cells to a cell that begins at `to`. */
function writeMean(teacher: TeacherMap, down: Answering, across: Answering, into: Float32Array, to: number): void {
  const { values, columns, classes, depth } = teacher;
  into.fill(0, to, to + classes);
  for (let y = 0; y < down.weights.length; y++)
    for (let x = 0; x < across.weights.length; x++) {
      const weight = down.weights[y] * across.weights[x];
      const at = ((down.first + y) * columns + across.first + x) * depth;
      for (let k = 0; k < classes; k++) into[to + k] += weight * values[at + k];
    }
}

/** Writes the largest logit of each class among some cells to a cell that begins at `to`. @returns the surest cell; null: there are none */
function writeLargest(
  { values, columns, classes, depth }: TeacherMap,
  down: Answering,
  across: Answering,
  into: Float32Array,
  to: number,
): CellAt | null {
  into.fill(surelyBackground, to, to + classes);
  let surest: CellAt | null = null;
  let most = -Infinity;
  for (let row = down.first; row < down.first + down.weights.length; row++)
    for (let column = across.first; column < across.first + across.weights.length; column++)
      for (let k = 0; k < classes; k++) {
        const logit = values[(row * columns + column) * depth + k];
        into[to + k] = Math.max(into[to + k], logit);
        if (logit > most) [most, surest] = [logit, { row, column }];
      }
  return surest;
}

/**
 * Writes the map of a view in the cells of a student, whose size and stride may differ from the teacher's. Each cell has the teacher's
 * answers for what it shows. Of a segmenter, they are the mean of the logits; else the largest logits of the cells whose middles lie in
 * it, and the box of the surest one, moved and cut as labels are.
 * @param from the teacher's cells @param to the student's; places are in its pixels
 * @param visible share of a box that must remain in the view
 */
export function writeMovedMap(
  shown: readonly ShownMap[],
  from: MapCells,
  to: MapCells,
  { task, classes, visible }: MapValues & { readonly visible: number },
  into: Float32Array,
): void {
  const [own, wanted] = [gridOf(from.size, from.stride), gridOf(to.size, to.stride)];
  const depth = classes + boxValues[task];
  // Height and width of the teacher's cells, in pixels of the student.
  const cell: Size = [(from.stride * to.size[0]) / from.size[0], (from.stride * to.size[1]) / from.size[1]];
  const side = (axis: 0 | 1, name: 'rows' | 'columns'): Side => ({
    pixels: to.size[axis],
    stride: to.stride,
    cells: wanted[name],
    teacher: { stride: cell[axis], cells: own[name] },
  });
  const [down, across] = [side(0, 'rows'), side(1, 'columns')];
  const isMean = task === 'segmentation';
  const choose = isMean ? sharesOf : middlesIn;
  for (const { map, ...place } of shown) {
    const { part } = place;
    const teacher: TeacherMap = { values: map, columns: own.columns, classes, depth };
    const columns = answering(across, place.x, [part.left, part.right], choose);
    for (const row of answering(down, place.y, [part.top, part.bottom], choose))
      for (const column of columns) {
        const begin = (row.cell * wanted.columns + column.cell) * depth;
        if (isMean) {
          writeMean(teacher, row, column, into, begin);
          continue;
        }
        const surest = writeLargest(teacher, row, column, into, begin);
        if (depth === classes) continue;
        into.fill(0, begin + classes, begin + depth);
        if (surest === null) continue;
        const at = (surest.row * own.columns + surest.column) * depth + classes;
        const box = visiblePart(place, boxOf(map, at, surest, cell), visible);
        if (box === null) into.fill(surelyBackground, begin, begin + classes);
        else writeBox(box, { row: row.cell, column: column.cell }, wanted.stride, into, begin + classes);
      }
  }
}
