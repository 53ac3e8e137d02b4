import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

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
