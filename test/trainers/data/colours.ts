import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { Random } from '../../../base/random.js';

type Colour = readonly [number, number, number];

/** Writes a folder of plain images for each class; the images of a class differ a little in brightness. */
export async function writeColours(
  folder: string,
  classes: Readonly<Record<string, Colour>>,
  count: number,
  side = 40,
): Promise<void> {
  for (const [name, [r, g, b]] of Object.entries(classes)) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let i = 0; i < count; i++)
      await sharp({
        create: { width: side + 10, height: side, channels: 3, background: { r: r + i, g: g + i, b: b + i } },
      })
        .png()
        .toFile(join(folder, name, `${i}.png`));
  }
}

/** A picture of random blocks that differs for each name. */
export function noisePicture(name: string, width: number, height: number): Sharp {
  const random = new Random(0, name);
  const pixels = Uint8Array.from({ length: 8 * 6 * 3 }, () => 256 * random.uniform());
  return sharp(pixels, { raw: { width: 8, height: 6, channels: 3 } })
    .resize(width, height, { fit: 'fill' })
    .png();
}

/** A picture of soft shapes that differs for each seed. */
export function softPicture(seed: number, width = 48, height = 48): Sharp {
  const random = new Random(seed, 'picture');
  const waves = Array.from({ length: 12 }, () => 6 * random.uniform());
  const value = (x: number, y: number, c: number): number =>
    128 +
    60 * Math.sin((x / width) * waves[c] + waves[c + 3]) +
    60 * Math.cos((y / height) * waves[c + 6] + waves[c + 9]);
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) =>
    value(Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3),
  );
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}
