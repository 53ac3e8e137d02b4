import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { temporaryFolder } from '../../../support/temporary.js';

/** The size of all images of the tests. */
export const width = 100;
export const height = 50;

/** A box as [left, top, width, height] in pixels. */
export type XYWH = readonly [number, number, number, number];
/** The box that each layout has in its first image, of the class cat. */
export const cat: XYWH = [10, 5, 40, 20];
export const dog: XYWH = [20, 10, 20, 20];

const pictures = new Map<number, Promise<Buffer>>();
/** A picture of a shade of grey. */
export function picture(shade: number): Promise<Buffer> {
  const background = { r: shade, g: shade, b: shade };
  const made =
    pictures.get(shade) ??
    sharp({ create: { width, height, channels: 3, background } })
      .png()
      .toBuffer();
  pictures.set(shade, made);
  return made;
}

/** An image that a camera stored turned: it is shown as the others, 100 x 50. */
export const turnedImage = (orientation: number): Promise<Buffer> => {
  const [across, down] = orientation >= 5 ? [height, width] : [width, height];
  return sharp({ create: { width: across, height: down, channels: 3, background: '#808080' } })
    .jpeg()
    .withMetadata({ orientation })
    .toBuffer();
};

/** Files by path: their text or bytes; null: an image. A path with `{a,b}` is several files. */
export type Files = Readonly<Record<string, string | (() => Promise<Buffer>) | null>>;

export function expandPath(pattern: string): string[] {
  const found = /^(.*?)\{([^{}]*)\}(.*)$/.exec(pattern);
  if (found === null) return [pattern];
  return found[2].split(',').flatMap((choice) => expandPath(`${found[1]}${choice}${found[3]}`));
}

/** Writes files into a new folder. */
export async function written(files: Files, folder = temporaryFolder()): Promise<string> {
  let shade = 0;
  for (const [pattern, text] of Object.entries(files))
    for (const path of expandPath(pattern)) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, typeof text === 'function' ? await text() : (text ?? (await picture(shade++ % 256))));
    }
  return folder;
}

interface CocoParts {
  readonly images?: readonly object[];
  readonly annotations?: readonly object[];
  readonly categories?: readonly object[];
}

export const cocoImage = (id: number, file_name: string) => ({ id, file_name, width, height });
export const cocoBox = (image_id: number, category_id: number, bbox: readonly unknown[], others: object = {}) => ({
  ...{ id: 100 + image_id, image_id, category_id, bbox },
  ...others,
});
export const cocoClasses = [
  { id: 1, name: 'cat', supercategory: 'animal' },
  { id: 2, name: 'dog', supercategory: 'animal' },
];

/** COCO JSON with an element a line: the images, a cat in the first and a dog in the last, unless given. */
export function coco(names: readonly string[], parts: CocoParts = {}): string {
  const {
    images = names.map((name, i) => cocoImage(i + 1, name)),
    annotations = [cocoBox(1, 1, cat), cocoBox(names.length, 2, dog)],
    categories = cocoClasses,
  } = parts;
  const list = (values: readonly object[]): string =>
    `[\n${values.map((value) => JSON.stringify(value)).join(',\n')}\n]`;
  return `{"images": ${list(images)},\n"annotations": ${list(annotations)},\n"categories": ${list(categories)}}\n`;
}

export const object = (name: string, [x, y, w, h]: XYWH, others = '', first = 1): string =>
  `  <object>\n    <name>${name}</name>\n    ${others}\n    <bndbox><xmin>${x + first}</xmin><ymin>${y + first}</ymin>\n` +
  `      <xmax>${x + w}</xmax><ymax>${y + h}</ymax></bndbox>\n  </object>\n`;

export const voc = (filename: string, ...objects: readonly string[]): string =>
  `<annotation>\n  <filename>${filename}</filename>\n  <size><width>${width}</width><height>${height}</height><depth>3</depth></size>\n${objects.join('')}</annotation>\n`;

/** A line of YOLO. */
export const yolo = (label: number, [x, y, w, h]: XYWH): string =>
  `${label} ${(x + w / 2) / width} ${(y + h / 2) / height} ${w / width} ${h / height}\n`;
