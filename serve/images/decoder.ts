import sharp from 'sharp';
import { toPixels } from '../../base/image-pixels.js';
import { messageOf } from '../../base/errors.js';
import { NotAnswered } from '../inference/types.js';
import type { ImageSize } from '../models/model.js';
import { requireFormat } from './formats.js';
import { Turns } from './turns.js';
import { BadImage, type Decoder } from './types.js';

export interface DecoderOptions {
  /** Images decoded at a time, each by one thread of libuv's pool, which has four unless UV_THREADPOOL_SIZE says otherwise. */
  readonly parallel: number;
  /**
   * Width times height of the largest image that is taken, which is checked before memory is used for it. Most are decoded row by
   * row; interlaced PNGs, progressive JPEGs and WebPs as a whole, in up to 8 bytes a pixel.
   */
  readonly maxPixels: number;
}

/** An image takes no longer than this, whatever time its request has. */
const maxSeconds = 10;
/** Weight of the newest image in the moving average. */
const newest = 0.05;

const now = (): number => performance.now();

/**
 * A decoder on sharp. Its pixels are those of training: JPEGs are shrunk while they are decoded where training does it, and
 * what the image-folder data set refuses (a truncated file) is refused here.
 *
 * Sets sharp's own cache and threads for the whole process: images of requests never come again, and as many are decoded at a
 * time as there are turns.
 */
export function createDecoder({ parallel, maxPixels }: DecoderOptions): Decoder {
  sharp.cache(false);
  sharp.concurrency(1);
  const turns = new Turns(parallel, now);
  /** What an image took lately; null: none was decoded yet. */
  let averageMs: number | null = null;

  async function decode(file: Uint8Array, size: ImageSize, deadline: number): Promise<Uint8Array> {
    const began = now();
    const pixels = await pixelsOf(file, { size, deadline, maxPixels });
    const ms = now() - began;
    averageMs = averageMs === null ? ms : averageMs + newest * (ms - averageMs);
    return pixels;
  }

  return {
    get depth() {
      return turns.depth;
    },
    get expectedMs() {
      // An idle decoder expects nothing: after some large images, what is refused for them would otherwise never be tried.
      if (turns.isIdle || averageMs === null) return 0;
      return averageMs * (1 + turns.depth / parallel);
    },
    decode: async (file, { size, deadline, isGone }) => {
      requireFormat(file);
      return turns.run(() => decode(file, size, deadline), { deadline, isGone });
    },
  };
}

interface PixelOptions {
  readonly size: ImageSize;
  readonly deadline: number;
  readonly maxPixels: number;
}

async function pixelsOf(file: Uint8Array, { size, deadline, maxPixels }: PixelOptions): Promise<Uint8Array> {
  const seconds = Math.min(maxSeconds, Math.max(1, Math.ceil((deadline - now()) / 1e3)));
  const end = now() + seconds * 1e3;
  const image = sharp(file, { limitInputPixels: maxPixels }).timeout({ seconds });
  try {
    const { data, info } = await toPixels(image, size).toBuffer({ resolveWithObject: true });
    if (info.channels === size[2]) return data;
  } catch (error) {
    if (now() < end) throw await badImage(file, error, maxPixels);
    if (now() >= deadline)
      throw new NotAnswered('expired', 'the time for an answer was over before the image was decoded');
    throw new BadImage(413, `the image takes longer than ${seconds} s to decode; send a smaller one`);
  }
  throw new BadImage(400, `the image does not become one of ${size[2]} channels; convert it to sRGB`);
}

/** Why sharp did not decode an image: by its header, not by the wording of sharp's messages. */
async function badImage(file: Uint8Array, error: unknown, maxPixels: number): Promise<BadImage> {
  const header = await sharp(file, { limitInputPixels: false })
    .metadata()
    .catch(() => null);
  if (header === null || header.width * header.height <= maxPixels)
    return new BadImage(400, `the image is damaged: ${messageOf(error).replaceAll('\n', '; ')}`);
  const pixels = `${header.width} x ${header.height} pixels`;
  return new BadImage(413, `the image has ${pixels}, at most ${maxPixels} are taken; send a smaller one`);
}
