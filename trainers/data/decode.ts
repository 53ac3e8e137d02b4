import { extname } from 'node:path';
import { invalidInput, messageOf } from '../../base/errors.js';
import { canonicalJson } from '../../base/hash.js';
import { toPixels } from '../../base/image-pixels.js';
import { completeDecoding, defaultDecoding, type Rendering } from '../../base/preprocess.js';

/** Formats whose samples may be floating-point numbers; decoding to bytes would give zeros. */
const mayBeFloat = new Set(['.tif', '.tiff']);

/**
 * Decodes an image file to bytes [height, width, channels].
 * @throws NasError `invalid-input` when the file is missing, damaged or of another kind
 */
export async function decodeFile(file: string, rendering: Rendering): Promise<Uint8Array> {
  // Loaded lazily: it is slow to load, and most processes decode no image.
  const { default: sharp } = await import('sharp');
  try {
    if (mayBeFloat.has(extname(file).toLowerCase())) {
      const { depth } = await sharp(file).metadata();
      if (depth === 'float' || depth === 'double') throw new Error('its samples are floating-point numbers');
    }
    const { data, info } = await toPixels(sharp(file), rendering).toBuffer({ resolveWithObject: true });
    if (info.channels === rendering.channels) return data;
    throw new Error(`it decodes to ${info.channels} channels instead of ${rendering.channels}`);
  } catch (cause) {
    throw invalidInput(`the image ${file} cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'Replace the file or remove it from the data set.',
    });
  }
}

/**
 * The parts of a rendering that tell caches of decoded files apart. Caches that were made when only the side of squares and
 * the channels could be chosen keep their names.
 */
export function renderingIdentity(rendering: Rendering): readonly unknown[] {
  const { size, channels } = rendering;
  const decoding = completeDecoding(rendering);
  const side = size[0] === size[1] ? size[0] : size;
  return canonicalJson(decoding) === canonicalJson(defaultDecoding) ? [side, channels] : [side, channels, decoding];
}
