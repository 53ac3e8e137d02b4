import { iou, type Box, type Extent, type LabelledBox } from './boxes.js';
import type { Rendering } from './preprocess.js';
import type { MapTask } from './task.js';

/** The outputs of a file with maps, one a head: logits of the classes, and boxes. */
export const headNames = {
  detection: ['classes', 'boxes'],
  centroids: ['classes'],
  segmentation: ['classes'],
} as const satisfies Readonly<Record<MapTask, readonly string[]>>;

/** Values of a box in an output: dx, dy, log width, log height. */
export const boxValues = { detection: 4, centroids: 0, segmentation: 0 } as const satisfies Readonly<
  Record<MapTask, number>
>;

/** Bounds of the logarithms of a box's width and height in cells. */
export const sizeRange = [-4, 6] as const;

/** A box that a detector found. Of centroids, it is the cell of the middle. */
export interface Detection extends Omit<LabelledBox, 'ignored' | 'crowd'> {
  /** Sigmoid of the class's logit. */
  readonly score: number;
}

/** The output of a detector for one image. */
export interface DetectionMap {
  readonly rows: number;
  readonly columns: number;
  readonly classes: number;
  /** Pixels for each cell. */
  readonly stride: number;
  /**
   * [rows, columns, classes + 4]: logits, dx, dy, log width, log height in cells from the cell's centre; of centroids, [rows, columns,
   * classes].
   */
  readonly values: Float32Array;
}

/** Least score of a box where a file names no thresholds. */
export const usualThreshold = 0.5;

export const defaultDecoding = { most: 150, overlap: 0.6 } as const;

export interface DecodingOptions {
  /** Peaks of an image over all classes, the highest first; default 150. */
  readonly most?: number;
  /** A box is dropped where a better one of its class overlaps it by more than this share of their union; default 0.6. */
  readonly overlap?: number;
  /** Boxes with a lower score are left out, for all classes or for each; default 0. */
  readonly thresholds?: number | readonly number[];
}

interface Peak {
  /** Number of the cell. */
  readonly cell: number;
  readonly label: number;
  readonly logit: number;
}

/** Values of a cell. */
const depthOf = ({ rows, columns, values }: DetectionMap): number => values.length / (rows * columns);

/**
 * Whether a logit is the largest of its class among the cell and its eight neighbours. Of equal neighbours the first is the peak:
 * int8 networks have many.
 */
function isPeak(map: DetectionMap, cell: number, label: number, logit: number): boolean {
  const { rows, columns, values } = map;
  const [row, column] = [Math.floor(cell / columns), cell % columns];
  const depth = depthOf(map);
  for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++)
    for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x++) {
      const other = y * columns + x;
      const value = values[other * depth + label];
      if (other < cell ? value >= logit : other > cell && value > logit) return false;
    }
  return true;
}

/** Higher logits first; of equal ones the earlier cell, then the earlier class. */
const better = (a: Peak, b: Peak): number => b.logit - a.logit || a.cell - b.cell || a.label - b.label;

function peaksOf(map: DetectionMap, least: (label: number) => number): Peak[] {
  const { rows, columns, classes, values } = map;
  const depth = depthOf(map);
  const peaks: Peak[] = [];
  const lowest = Array.from({ length: classes }, (_, label) => least(label));
  for (let cell = 0; cell < rows * columns; cell++)
    for (let label = 0; label < classes; label++) {
      const logit = values[cell * depth + label];
      // A logit that is not a number is no peak.
      if (logit >= lowest[label] && isPeak(map, cell, label, logit)) peaks.push({ cell, label, logit });
    }
  return peaks.sort(better);
}

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/** The box of a cell without one: the cell itself. */
const wholeCell = Float32Array.of(0, 0, 0, 0);

function boxAt(map: DetectionMap, { cell, label, logit }: Peak): Detection {
  const { columns, classes, stride, values } = map;
  const depth = depthOf(map);
  const [dx, dy, ...sides] =
    depth === classes ? wholeCell : values.subarray(cell * depth + classes, (cell + 1) * depth);
  const [low, high] = sizeRange;
  const [width, height] = sides.map((side) => Math.exp(Math.min(high, Math.max(low, side))) * stride);
  const [x, y] = [((cell % columns) + 0.5 + dx) * stride, (Math.floor(cell / columns) + 0.5 + dy) * stride];
  return {
    label,
    score: sigmoid(logit),
    left: x - width / 2,
    right: x + width / 2,
    top: y - height / 2,
    bottom: y + height / 2,
  };
}

/** Greedy suppression: keeps a box unless a kept one of its class before it overlaps it. @param boxes the best first */
export function suppress<T extends Omit<LabelledBox, 'ignored'>>(boxes: readonly T[], overlap: number): T[] {
  const kept: T[] = [];
  for (const box of boxes)
    if (!kept.some((other) => other.label === box.label && iou(other, box) > overlap)) kept.push(box);
  return kept;
}

/** The boxes in an output, in pixels of the network's image, the best first: peaks of the classes' logits, then suppression. */
export function decode(
  map: DetectionMap,
  { most = defaultDecoding.most, overlap = defaultDecoding.overlap, thresholds = 0 }: DecodingOptions = {},
): Detection[] {
  const threshold = (label: number): number => (typeof thresholds === 'number' ? thresholds : thresholds[label]);
  const logitOf = (share: number): number => (share <= 0 ? -Infinity : Math.log(share / (1 - share)));
  const peaks = peaksOf(map, (label) => logitOf(threshold(label)) - rounding).slice(0, most);
  const boxes = peaks.map((peak) => boxAt(map, peak)).filter(({ score, label }) => score >= threshold(label));
  return suppress(boxes, overlap);
}

/** A logit this far below the one of a threshold may have its score. */
const rounding = 1e-6;

/** Where an image lies in a network's image: a pixel at x there is at x * scaleX + left here. */
export interface Placement {
  readonly scaleX: number;
  readonly scaleY: number;
  readonly left: number;
  readonly top: number;
}

/** Where the whole or the middle of an image lies in an image of a size: sides are rounded to pixels, as the rendering does it. */
export function placementIn({ width, height }: Extent, { size, fit }: Pick<Rendering, 'size' | 'fit'>): Placement {
  const [across, down] = [size[1] / width, size[0] / height];
  const [scaleX, scaleY] = {
    contain: [Math.min(across, down), Math.min(across, down)],
    cover: [Math.max(across, down), Math.max(across, down)],
    stretch: [across, down],
  }[fit];
  const [shownWidth, shownHeight] = [Math.max(1, Math.round(width * scaleX)), Math.max(1, Math.round(height * scaleY))];
  return {
    scaleX: shownWidth / width,
    scaleY: shownHeight / height,
    left: Math.floor((size[1] - shownWidth) / 2),
    top: Math.floor((size[0] - shownHeight) / 2),
  };
}

/** Converts boxes to pixels of the original image. They are cut at its borders; boxes outside of it are left out. */
export function inOriginal<T extends Box>(
  boxes: readonly T[],
  { scaleX, scaleY, left, top }: Placement,
  { width, height }: Extent,
): T[] {
  const along = (value: number, from: number, scale: number, most: number): number =>
    Math.min(most, Math.max(0, (value - from) / scale));
  return boxes
    .map((box) => ({
      ...box,
      left: along(box.left, left, scaleX, width),
      right: along(box.right, left, scaleX, width),
      top: along(box.top, top, scaleY, height),
      bottom: along(box.bottom, top, scaleY, height),
    }))
    .filter((box) => box.right > box.left && box.bottom > box.top);
}

/** The middle of a box. */
export const middleOf = ({ left, right, top, bottom }: Box) => ({ x: (left + right) / 2, y: (top + bottom) / 2 });

/** The boxes in a detector's output for an image, in pixels of the original image, the best first. */
export const detectIn = (
  map: DetectionMap,
  extent: Extent,
  rendering: Pick<Rendering, 'size' | 'fit'>,
  options: DecodingOptions = {},
): Detection[] => inOriginal(decode(map, options), placementIn(extent, rendering), extent);
