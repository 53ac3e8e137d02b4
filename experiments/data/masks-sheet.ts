import { ignoredPixel } from '../../base/seen-masks.js';
import { counted } from '../../base/text.js';
import { framed } from './box-picture.js';
import type { DescribedMasks } from './masks.js';
import { placedSheet, sheetPicture } from './placed-sheet.js';
import type { ContactSheet } from './sheet.js';

/** Pixels of the row's class, of other classes but the first, and ignored ones: red, green, blue and cover. */
const colours = { own: [255, 140, 0, 150], other: [0, 110, 255, 110], ignored: [255, 255, 255, 150] } as const;
/** Ignored pixels are dotted. */
const isDot = (x: number, y: number): boolean => (x + y) % 8 < 4;

/** Draws a contact sheet: some images of each class under their masks, and the images with findings. */
export function masksSheet({ description, data, images, splits }: DescribedMasks): Promise<ContactSheet> {
  const { name, classes, findings } = description;
  const percent = (share: number): string => `${(100 * share).toPrecision(2)} %`;
  return placedSheet(
    { tree: data.tree, images, classes, splits, findings },
    {
      name,
      summary: [
        `${counted(description.images, 'image')}. Orange: pixels of the row's class; blue: other classes but ${classes[0].name}; white stripes: ignored.`,
        'Below each name: its share of the pixels, its images, and how many of these are for training / validation / test.',
      ],
      rowOf: (label) => [`${percent(classes[label].share)} of the pixels`, counted(classes[label].images, 'image')],
      imageOf: (at) => {
        const { pixels, ignored } = data.images[at];
        const all = pixels.reduce((total, count) => total + count, ignored);
        return `${percent(1 - (pixels[0] + ignored) / all)} not ${classes[0].name}`;
      },
    },
    async (bytes, at, own) => {
      const { default: sharp } = await import('sharp');
      const image = data.images[at];
      const longer = sheetPicture.side * sheetPicture.density;
      const scale = longer / Math.max(image.width, image.height);
      const [width, height] = [image.width, image.height].map((side) =>
        Math.max(sheetPicture.density, sheetPicture.density * Math.round((side * scale) / sheetPicture.density)),
      );
      const mask = await image.render([height, width]);
      const overlay = Buffer.alloc(4 * width * height);
      for (const [i, label] of mask.entries()) {
        if (label === ignoredPixel) overlay.set(isDot(i % width, Math.floor(i / width)) ? colours.ignored : [], 4 * i);
        else if (label === own || (own === null && label > 0)) overlay.set(colours.own, 4 * i);
        else if (label > 0) overlay.set(colours.other, 4 * i);
      }
      const raw = { width, height, channels: 4 } as const;
      return framed(sharp(bytes).autoOrient(), image, sheetPicture, ({ at: [x, y] }) => ({
        ...{ input: overlay, raw },
        left: x * sheetPicture.density,
        top: y * sheetPicture.density,
      }));
    },
  );
}
