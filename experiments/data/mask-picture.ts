import type { Box, Extent } from '../../base/boxes.js';
import { kindMarks, seenKinds, type SeenKind } from '../../base/seen-boxes.js';
import { backgroundOf, ignoredPixel, pixelKinds, truthOf, type SeenMaskImage } from '../../base/seen-masks.js';
import { readCachedImage } from '../../trainers/data/cache.js';
import { framed, type PictureOptions } from './box-picture.js';

/** Pixels of a stripe. */
const stripe = 3;
const isStripe = (place: number): boolean => Math.floor(place / stripe) % 2 === 0;

/** How much of the colour covers the image: right pixels evenly, missed ones in rising stripes, wrong ones in falling stripes. */
const coverOf: { readonly [K in SeenKind]: (x: number, y: number) => number } = {
  ignored: () => 0,
  right: () => 0.3,
  missed: (x, y) => (isStripe(x + y) ? 0.85 : 0.35),
  wrong: (x, y) => (isStripe(x - y + 3 * 4096) ? 0.85 : 0.35),
};

const colours = new Map(
  seenKinds.map((kind) => [kind, [1, 3, 5].map((at) => Number.parseInt(kindMarks[kind].colour.slice(at, at + 2), 16))]),
);

/** The part of an image without borders of ignored pixels: they are bars in most images. */
function seenArea(truth: Uint8Array, { width, height }: Extent): Box & Extent {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (const [at, label] of truth.entries()) {
    if (label === ignoredPixel) continue;
    const [x, y] = [at % width, Math.floor(at / width)];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1)];
  }
  if (right === 0) [left, top, right, bottom] = [0, 0, width, height];
  return { left, top, right, bottom, width: right - left, height: bottom - top };
}

/**
 * A picture of an image that a segmenter was evaluated on, from the converted data set, with the outcome of its pixels and white borders
 * around the classes in the data.
 * @param classes their names: a background has no colour where it is right
 * @throws Error when there is no such data set or image
 */
export async function maskPicture(
  directory: string,
  image: SeenMaskImage,
  classes: readonly string[],
  options: PictureOptions,
): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  const { pixels, channels, width, height } = readCachedImage(directory, image.row);
  const kinds = pixelKinds(image, backgroundOf(classes));
  const truth = truthOf(image);
  const { density = 1 } = options;
  const area = seenArea(truth, image);
  const scale = width / image.width;
  const [x0, y0] = [Math.round(area.left * scale), Math.round(area.top * scale)];
  const shown = {
    width: Math.min(width - x0, Math.round(area.width * scale)),
    height: Math.min(height - y0, Math.round(area.height * scale)),
  };
  const raw = { width, height, channels: channels === 1 ? 1 : 3 } as const;
  // Cut out first: one pipeline of sharp has one order of its steps.
  const cut = await sharp(pixels, { raw })
    .extract({ left: x0, top: y0, ...shown })
    .png()
    .toBuffer();
  return framed(sharp(cut), shown, options, ({ whole, at: [left, top] }) => {
    const [wide, high] = [whole[0] * density, whole[1] * density];
    const overlay = new Uint8Array(wide * high * 4);
    const place = (x: number, y: number): number =>
      (area.top + Math.floor((Math.max(0, y) * area.height) / high)) * image.width +
      area.left +
      Math.floor((Math.max(0, x) * area.width) / wide);
    for (let y = 0; y < high; y++)
      for (let x = 0; x < wide; x++) {
        const at = place(x, y);
        if (truth[at] !== truth[place(x - density, y)] || truth[at] !== truth[place(x, y - density)]) {
          overlay.fill(255, (y * wide + x) * 4, (y * wide + x + 1) * 4);
          continue;
        }
        const kind = kinds[at];
        if (kind === null) continue;
        const cover = coverOf[kind](Math.floor(x / density), Math.floor(y / density));
        overlay.set([...(colours.get(kind) ?? []), Math.round(255 * cover)], (y * wide + x) * 4);
      }
    const input = Buffer.from(overlay);
    return { input, raw: { width: wide, height: high, channels: 4 }, left: left * density, top: top * density };
  });
}
