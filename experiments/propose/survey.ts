import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { Random } from '../../base/random.js';

/** What some of a folder's images have in common. */
export interface ImageSurvey {
  /** The middle of the shorter sides, in pixels. */
  readonly side: number;
  /** Whether they have no colour, also where they are stored with three channels. */
  readonly grey: boolean;
  /** Number of image files in the folder. */
  readonly images: number;
}

const extensions = new Set(['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif']);
/** Number of images that are looked at: headers of so many take about a second. */
const sampled = 100;
/** Largest difference between channels of a grey pixel; JPEG stores colours coarsely. */
const greyTolerance = 8;

/**
 * Looks at a random sample of the images in a folder and its sub-folders; images that cannot be read are passed over.
 * @throws NasError `invalid-input` when there is no folder, or no image in it that can be read
 */
export async function surveyImages(folder: string): Promise<ImageSurvey> {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw invalidInput(`${folder} is not a folder`, {
      hint: 'Give the folder with one folder of images for each class.',
    });
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => extensions.has(extname(name).toLowerCase()) && !basename(name).startsWith('.'))
    .sort();
  const { default: sharp } = await import('sharp');
  const look = async (name: string): Promise<{ readonly side: number; readonly grey: boolean }[]> => {
    try {
      const image = sharp(join(folder, name));
      const { width, height } = await image.metadata();
      const { data, info } = await image
        .toColourspace('srgb')
        .removeAlpha()
        .resize(32, 32, { fit: 'cover' })
        .raw()
        .toBuffer({ resolveWithObject: true });
      return [{ side: Math.min(width, height), grey: info.channels < 3 || isGrey(data) }];
    } catch {
      return [];
    }
  };
  const chosen = new Random(0, 'survey').shuffle([...files.keys()]).slice(0, sampled);
  const seen = (await Promise.all(chosen.map((i) => look(files[i])))).flat();
  if (seen.length === 0)
    throw invalidInput(`${folder} has no images that can be read (${[...extensions].join(', ')})`, {
      hint: 'Give the folder with one folder of images for each class.',
    });
  const sides = seen.map(({ side }) => side).sort((a, b) => a - b);
  return { side: sides[sides.length >> 1], grey: seen.every(({ grey }) => grey), images: files.length };
}

/** Whether pixels [count, 3] have no colour. */
function isGrey(pixels: Uint8Array): boolean {
  for (let i = 0; i < pixels.length; i += 3) {
    const [r, g, b] = pixels.subarray(i, i + 3);
    if (Math.max(r, g, b) - Math.min(r, g, b) > greyTolerance) return false;
  }
  return true;
}
