import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../base/random.js';
import { boxesSchema, type BoxesConfig } from '../../trainers/index.js';

export interface BoxedImagesOptions {
  readonly count?: number;
  readonly seed?: number;
  /** Side of the images of the networks in pixels. */
  readonly size?: number;
}

/** Images of 60 x 48 pixels. */
const extent = { width: 60, height: 48 };

/**
 * Writes grey images with coloured squares and discs, one to three on each, and their boxes in COCO JSON. Discs are bluish, squares
 * reddish, and both are of random brightness.
 */
export async function makeBoxedImages(folder: string, options: BoxedImagesOptions = {}): Promise<BoxesConfig> {
  const { default: sharp } = await import('sharp');
  const { count = 120, seed = 1, size = 48 } = options;
  mkdirSync(folder, { recursive: true });
  const images: unknown[] = [];
  const annotations: unknown[] = [];
  const { width, height } = extent;
  for (let i = 0; i < count; i++) {
    const random = new Random(seed, 'boxed', i);
    const grey = 90 + random.int(60);
    const pixels = Uint8Array.from({ length: width * height * 3 }, () => grey + random.int(20));
    const taken: number[][] = [];
    for (let k = random.int(3); k >= 0; k--) {
      const side = 9 + random.int(12);
      const [left, top] = [random.int(width - side), random.int(height - side)];
      const overlaps = taken.some(([x, y, s]) => left < x + s && x < left + side && top < y + s && y < top + side);
      if (overlaps) continue;
      taken.push([left, top, side]);
      const label = random.int(2);
      const bright = 180 + random.int(70);
      const colour = label === 0 ? [bright, 60, 60] : [60, 60, bright];
      for (let y = 0; y < side; y++)
        for (let x = 0; x < side; x++) {
          const [dx, dy] = [(x + 0.5) / side - 0.5, (y + 0.5) / side - 0.5];
          if (label === 0 || dx * dx + dy * dy <= 0.25) pixels.set(colour, ((top + y) * width + left + x) * 3);
        }
      annotations.push({ image_id: i, category_id: label + 1, bbox: [left, top, side, side], iscrowd: 0 });
    }
    const file_name = `${String(i).padStart(4, '0')}.png`;
    images.push({ id: i, file_name, ...extent });
    await sharp(pixels, { raw: { ...extent, channels: 3 } }).toFile(join(folder, file_name));
  }
  const categories = ['square', 'disc'].map((name, i) => ({ id: i + 1, name }));
  writeFileSync(join(folder, 'boxes.json'), JSON.stringify({ images, annotations, categories }));
  return boxesSchema.parse({ type: 'boxes', path: folder, size, validation: 0.2, test: 0.1 });
}
