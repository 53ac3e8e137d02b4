import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { Random } from '../../base/random.js';
import { boxesSchema, masksSchema, type BoxesConfig, type MasksConfig } from '../../trainers/index.js';

export interface BoxedImagesOptions {
  readonly count?: number;
  readonly seed?: number;
  /** Side of the images of the networks in pixels. */
  readonly size?: number;
}

/** Images of 60 x 48 pixels. */
const extent = { width: 60, height: 48 };

/** A grey image with coloured shapes. */
interface Drawn {
  /** [height, width, 3] */
  readonly pixels: Uint8Array;
  /** [height, width]: 0 grey, 1 square, 2 disc. */
  readonly mask: Uint8Array;
  readonly shapes: readonly { readonly label: 0 | 1; readonly box: readonly number[] }[];
}

/**
 * Draws a grey image with coloured squares and discs, one to three. Discs are bluish, squares reddish, and both are of random brightness.
 */
function drawShapes(seed: number, i: number): Drawn {
  const { width, height } = extent;
  const random = new Random(seed, 'boxed', i);
  const grey = 90 + random.int(60);
  const pixels = Uint8Array.from({ length: width * height * 3 }, () => grey + random.int(20));
  const mask = new Uint8Array(width * height);
  const shapes: { label: 0 | 1; box: number[] }[] = [];
  for (let k = random.int(3); k >= 0; k--) {
    const side = 9 + random.int(12);
    const [left, top] = [random.int(width - side), random.int(height - side)];
    const overlaps = shapes.some(
      ({ box: [x, y, s] }) => left < x + s && x < left + side && top < y + s && y < top + side,
    );
    if (overlaps) continue;
    const label = random.int(2) === 0 ? 0 : 1;
    shapes.push({ label, box: [left, top, side, side] });
    const bright = 180 + random.int(70);
    const colour = label === 0 ? [bright, 60, 60] : [60, 60, bright];
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        const [dx, dy] = [(x + 0.5) / side - 0.5, (y + 0.5) / side - 0.5];
        if (label === 1 && dx * dx + dy * dy > 0.25) continue;
        pixels.set(colour, ((top + y) * width + left + x) * 3);
        mask[(top + y) * width + left + x] = label + 1;
      }
  }
  return { pixels, mask, shapes };
}

const names = ['square', 'disc'];
const write = (file: string, pixels: Uint8Array, channels: 1 | 3) =>
  sharp(pixels, { raw: { ...extent, channels } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .toFile(file);

/** Writes images of `drawShapes` and their boxes in COCO JSON. */
export async function makeBoxedImages(folder: string, options: BoxedImagesOptions = {}): Promise<BoxesConfig> {
  const { count = 120, seed = 1, size = 48 } = options;
  mkdirSync(folder, { recursive: true });
  const images: unknown[] = [];
  const annotations: unknown[] = [];
  for (let i = 0; i < count; i++) {
    const { pixels, shapes } = drawShapes(seed, i);
    for (const { label, box } of shapes)
      annotations.push({ image_id: i, category_id: label + 1, bbox: box, iscrowd: 0 });
    const file_name = `${String(i).padStart(4, '0')}.png`;
    images.push({ id: i, file_name, ...extent });
    await write(join(folder, file_name), pixels, 3);
  }
  const categories = names.map((name, i) => ({ id: i + 1, name }));
  writeFileSync(join(folder, 'boxes.json'), JSON.stringify({ images, annotations, categories }));
  return boxesSchema.parse({ type: 'boxes', path: folder, size, validation: 0.2, test: 0.1 });
}

/** Writes images of `drawShapes` and their masks: background, square, disc. */
export async function makeMaskedImages(folder: string, options: BoxedImagesOptions = {}): Promise<MasksConfig> {
  const { count = 120, seed = 1, size = 48 } = options;
  for (const part of ['images', 'masks']) mkdirSync(join(folder, part), { recursive: true });
  writeFileSync(join(folder, 'classes.txt'), ['background', ...names].join('\n'));
  for (let i = 0; i < count; i++) {
    const { pixels, mask } = drawShapes(seed, i);
    const name = `${String(i).padStart(4, '0')}.png`;
    await write(join(folder, 'images', name), pixels, 3);
    await write(join(folder, 'masks', name), mask, 1);
  }
  return masksSchema.parse({ type: 'masks', path: folder, size, validation: 0.2, test: 0.1 });
}
