import type { LabelledBox } from '../../base/boxes.js';
import { placementIn, type Placement } from '../../base/detections.js';

/** Height and width of images. */
type Size = readonly [height: number, width: number];

/** Values of a box in a table: image, left, top, right, bottom, class, kind. */
export const valuesOfBox = 7;

const boxKinds = { counted: 0, ignored: 1, crowd: 2 } as const;

/** The boxes of all images, in pixels of the image files. */
export interface BoxTable {
  /** [boxes, 7], by image. */
  readonly values: Float32Array;
  /** [images, 2]: width and height of the files. */
  readonly extents: Float32Array;
  /** [images + 1]: the first box of each image. */
  readonly starts: Uint32Array;
}

/** A box as a row of the table. */
export const boxRow = (image: number, { left, top, right, bottom, label, ignored, crowd }: LabelledBox): number[] => {
  const kind = crowd === true ? boxKinds.crowd : ignored ? boxKinds.ignored : boxKinds.counted;
  return [image, left, top, right, bottom, label, kind];
};

export function boxTable(values: Float32Array, extents: Float32Array): BoxTable {
  const images = extents.length / 2;
  const starts = new Uint32Array(images + 1);
  for (let at = 0; at < values.length; at += valuesOfBox) starts[values[at] + 1]++;
  for (let i = 0; i < images; i++) starts[i + 1] += starts[i];
  return { values, extents, starts };
}

/** Where the whole image of a file lies in an image of a size. */
export const placementOf = ({ extents }: BoxTable, image: number, size: Size): Placement =>
  placementIn({ width: extents[2 * image], height: extents[2 * image + 1] }, { size, fit: 'contain' });

/** The boxes of an image in pixels of its rendering. */
export function boxesOf(table: BoxTable, image: number, size: Size): LabelledBox[] {
  const { values, starts } = table;
  const { scaleX, scaleY, left, top } = placementOf(table, image, size);
  return Array.from({ length: starts[image + 1] - starts[image] }, (_, i) => {
    const row = values.subarray((starts[image] + i) * valuesOfBox, (starts[image] + i + 1) * valuesOfBox);
    return {
      left: row[1] * scaleX + left,
      top: row[2] * scaleY + top,
      right: row[3] * scaleX + left,
      bottom: row[4] * scaleY + top,
      label: row[5],
      ignored: row[6] !== boxKinds.counted,
      ...(row[6] === boxKinds.crowd && { crowd: true as const }),
    };
  });
}

/** The boxes of an image in pixels of its file as text: `cat 10 20 110 80; dog 3 7 40 60 ignored`, corners at the left top and right bottom. */
export function boxesText({ values, starts }: BoxTable, image: number, classes: readonly string[]): string {
  const kinds = Object.keys(boxKinds);
  return Array.from({ length: starts[image + 1] - starts[image] }, (_, i) => {
    const [, ...row] = values.subarray((starts[image] + i) * valuesOfBox, (starts[image] + i + 1) * valuesOfBox);
    const corners = row.slice(0, 4).map((value) => Number(value.toPrecision(7)));
    const kind = row[5] === boxKinds.counted ? [] : [kinds[row[5]]];
    return [classes[row[4]], ...corners, ...kind].join(' ');
  }).join('; ');
}
