import { boxValues, sizeRange, usualThreshold, type Detection } from '../../base/detections.js';
import { invalidInput } from '../../base/errors.js';
import type { ModelMetadata } from '../metadata.js';
import { innerEnds } from './plan.js';
import type { EdgeProgram } from './program.js';
import { imageShape, quantizationOf } from './reference.js';

/** Boxes are in this part of a pixel. */
export const PARTS_OF_PIXEL = 16;

/** Overlaps count in this part. */
const OVERLAP_PARTS = 1000;

/** How the bytes of two maps become boxes, in integers alone. */
export interface DetectionTables {
  readonly rows: number;
  readonly columns: number;
  readonly classes: number;
  readonly stride: number;
  /** Peaks of an image. */
  readonly most: number;
  /** In thousandths. */
  readonly overlap: number;
  /** The least byte of each class that is a box; 128: none is. */
  readonly least: readonly number[];
  /** The score of each byte of the classes, of 255. */
  readonly scores: readonly number[];
  /** Null: a found box is its cell (centroids). */
  readonly boxes: BoxTables | null;
}

interface BoxTables {
  /** The side in 1/16 pixel of each byte of the boxes. */
  readonly sides: readonly number[];
  /** A byte's distance from the centre of its cell in 1/16 pixel is ((byte - zero) factor + 2^(bits - 1)) >> bits. */
  readonly zero: number;
  readonly factor: number;
  readonly bits: number;
}

const allBytes: readonly number[] = Array.from({ length: 256 }, (_, i) => i - 128);

const short = (value: number): number => Math.max(-32768, Math.min(32767, value));

/**
 * The tables of a detector's int8 program.
 * @throws NasError `invalid-input` unless the program has a map of classes, and unless it finds centroids one of boxes, that fit the
 *   metadata
 */
export function detectionTables(
  program: EdgeProgram,
  { stride, most, overlap, thresholds }: NonNullable<ModelMetadata['detection']>,
): DetectionTables {
  const maps = innerEnds(program).outputs.map((id) => program.tensors[id]);
  const [height, width] = imageShape(program.tensors[program.input]);
  const [rows, columns] = [Math.ceil(height / stride), Math.ceil(width / stride)];
  const shapes = maps.map(imageShape);
  const fits = shapes.every((shape) => shape[0] === rows && shape[1] === columns);
  if (maps.length > 2 || !fits || (maps.length === 2 && shapes[1][2] !== boxValues.detection))
    throw invalidInput(
      `the program gives ${shapes.map((shape) => `[${shape}]`).join(' and ')}, no maps of classes and boxes with ${rows} x ${columns} cells`,
      { hint: 'The key detection of the metadata must be that of the network. Export the model again.' },
    );
  const [logits, ...boxes] = maps.map(quantizationOf);
  const classes = shapes[0][2];
  const score = (byte: number): number => 1 / (1 + Math.exp(-(byte - logits.zero) * logits.scales[0]));
  const least = Array.from({ length: classes }, (_, label) => {
    const threshold = thresholds?.[label] ?? usualThreshold;
    return allBytes.find((byte) => score(byte) >= threshold) ?? 128;
  });
  return {
    ...{ rows, columns, classes, stride, most, least },
    overlap: Math.round(overlap * OVERLAP_PARTS),
    scores: allBytes.map((byte) => Math.round(255 * score(byte))),
    boxes: boxes.length === 0 ? null : boxTables(boxes[0], stride),
  };
}

function boxTables({ zero, scales: [scale] }: ReturnType<typeof quantizationOf>, stride: number): BoxTables {
  const side = (byte: number): number => {
    const [low, high] = sizeRange;
    const log = Math.min(high, Math.max(low, (byte - zero) * scale));
    return Math.max(1, short(Math.round(Math.exp(log) * stride * PARTS_OF_PIXEL)));
  };
  const step = scale * stride * PARTS_OF_PIXEL;
  // The largest product has less than 31 bits.
  const bits = Math.max(1, Math.min(20, 30 - Math.ceil(Math.log2(255 * step))));
  return { sides: allBytes.map(side), zero, factor: Math.round(step * 2 ** bits), bits };
}

/** A found box, or the cell of a centroid: its centre and sides in 1/16 pixel of the input. */
export interface ByteBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Number of the class. */
  readonly label: number;
  /** Of 255. */
  readonly score: number;
}

interface Peak {
  readonly row: number;
  readonly column: number;
  readonly label: number;
  readonly byte: number;
}

function peaksIn({ rows, columns, classes, least }: DetectionTables, map: Int8Array): Peak[] {
  const at = (row: number, column: number, label: number): number => (row * columns + column) * classes + label;
  const peaks: Peak[] = [];
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      for (let label = 0; label < classes; label++) {
        const byte = map[at(row, column, label)];
        let isPeak = byte >= least[label];
        for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++)
          for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x++) {
            const other = map[at(y, x, label)];
            const isEarlier = y < row || (y === row && x < column);
            if (isEarlier ? other >= byte : other > byte) isPeak = false;
          }
        if (isPeak) peaks.push({ row, column, label, byte });
      }
  return peaks.sort((a, b) => b.byte - a.byte);
}

/** The centre and the sides of a cell's box. */
function placeOf(
  { stride, boxes }: DetectionTables,
  row: number,
  column: number,
  [dx, dy, width, height]: Int8Array,
): Pick<ByteBox, 'x' | 'y' | 'width' | 'height'> {
  const centre = (cell: number): number => ((2 * cell + 1) * stride * PARTS_OF_PIXEL) / 2;
  if (boxes === null) {
    const side = stride * PARTS_OF_PIXEL;
    return { x: short(centre(column)), y: short(centre(row)), width: side, height: side };
  }
  const { sides, zero, factor, bits } = boxes;
  const along = (cell: number, byte: number): number =>
    short(centre(cell) + Math.floor(((byte - zero) * factor + 2 ** (bits - 1)) / 2 ** bits));
  return { x: along(column, dx), y: along(row, dy), width: sides[width + 128], height: sides[height + 128] };
}

/** What two boxes share along an axis, in 1/32 pixel. */
const sharedAlong = (a: number, side: number, b: number, other: number): number =>
  Math.max(0, Math.min(2 * a + side, 2 * b + other) - Math.max(2 * a - side, 2 * b - other));

function overlaps(a: ByteBox, b: ByteBox, overlap: number): boolean {
  const shared = sharedAlong(a.x, a.width, b.x, b.width) * sharedAlong(a.y, a.height, b.y, b.height);
  const union = 4 * (a.width * a.height + b.width * b.height) - shared;
  return shared * OVERLAP_PARTS > overlap * union;
}

/**
 * The boxes in the bytes of two maps, the best first, as `nas_detect` of the exported C finds them: `decode` of
 * `base/detections.ts` in integers.
 * @param boxes of centroids: none
 * @param most peaks of an image
 */
export function detectBytes(
  tables: DetectionTables,
  [classes, boxes = new Int8Array()]: readonly Int8Array[],
  most: number = tables.most,
): readonly ByteBox[] {
  const { columns, scores, overlap } = tables;
  const kept: ByteBox[] = [];
  for (const { row, column, label, byte } of peaksIn(tables, classes).slice(0, most)) {
    const values = boxes.subarray((row * columns + column) * boxValues.detection);
    const box = { ...placeOf(tables, row, column, values), label, score: scores[byte + 128] };
    if (!kept.some((other) => other.label === label && overlaps(other, box, overlap))) kept.push(box);
  }
  return kept;
}

/** The same box in pixels, as `decode` gives it. */
export function inPixels({ x, y, width, height, label, score }: ByteBox): Detection {
  const pixels = (parts: number): number => parts / PARTS_OF_PIXEL;
  return {
    label,
    score: score / 255,
    left: pixels(x - width / 2),
    right: pixels(x + width / 2),
    top: pixels(y - height / 2),
    bottom: pixels(y + height / 2),
  };
}
