import sharp from 'sharp';
import { toPixels } from '../../base/image-pixels.js';
import type { Rendering } from '../../base/preprocess.js';
import { messageOf } from '../../base/errors.js';
import { NotAnswered } from '../inference/pool.js';
import { DeadlineSemaphore } from './deadline-semaphore.js';

export interface DecodeOptions {
  readonly rendering: Rendering;
  /** In ms of `performance.now()`. */
  readonly deadline: number;
  readonly isGone: () => boolean;
}

/** Decodes image files, a bounded number in parallel. */
export interface Decoder {
  /** Images waiting to be decoded. */
  readonly depth: number;
  /** Expected milliseconds until an image that arrives now is decoded. */
  readonly expectedMs: number;
  /**
   * Renders a JPEG, PNG or WebP file as bytes [height, width, channels], as training does (`toPixels` of base/image-pixels.ts).
   * @throws BadImage when the file has another format, is damaged or too large; NotAnswered `expired` or `gone`.
   */
  readonly decode: (file: Uint8Array, options: DecodeOptions) => Promise<Uint8Array>;
}

/** The server refuses an image; the message says why. */
export class BadImage extends Error {
  /** @param status of HTTP: 400, 413 (too many pixels) or 415 (another format). */
  constructor(
    readonly status: 400 | 413 | 415,
    message: string,
  ) {
    super(message);
  }
}

/** First bytes of each format; null: any byte. */
const signatures: readonly (readonly (number | null)[])[] = [
  [0xff, 0xd8, 0xff], // JPEG
  [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], // PNG
  [0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x57, 0x45, 0x42, 0x50], // WebP: RIFF, its length, WEBP
];

/**
 * Checks the format by the first bytes of the file, not by its name or content type: no other decoder is ever reached.
 * @throws BadImage 415 when the file is not JPEG, PNG or WebP.
 */
function requireFormat(file: Uint8Array): void {
  if (signatures.some((bytes) => bytes.every((byte, i) => byte === null || file[i] === byte))) return;
  const found = file.length === 0 ? 'nothing' : `${file.length} bytes that begin with ${JSON.stringify(textOf(file))}`;
  throw new BadImage(415, `expected an image in JPEG, PNG or WebP, found ${found}`);
}

/** The first bytes as text, with dots for non-ASCII bytes. */
const textOf = (file: Uint8Array): string =>
  Array.from(file.subarray(0, 12), (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');

interface DecoderOptions {
  /** Images decoded in parallel, each by one thread of libuv's pool (four threads, or UV_THREADPOOL_SIZE). */
  readonly parallel: number;
  /**
   * Largest width × height, checked before memory is allocated. Most images are decoded row by row; interlaced PNGs, progressive
   * JPEGs and WebPs as a whole, with up to 8 bytes a pixel.
   */
  readonly maxPixels: number;
}

/** Upper bound on the time to decode one image, independent of the request's budget. */
const maxSeconds = 10;
/** Weight of the newest image in the moving average of decode times. */
const newestWeight = 0.05;

const now = (): number => performance.now();

/**
 * A decoder on sharp. It gives the same pixels as training, including shrink-on-load of JPEGs, and refuses the same files
 * (for example truncated ones).
 *
 * It turns off sharp's cache and sharp's own threads for the whole process: images do not repeat, and the semaphore bounds
 * the parallelism.
 */
export function createDecoder({ parallel, maxPixels }: DecoderOptions): Decoder {
  sharp.cache(false);
  sharp.concurrency(1);
  const semaphore = new DeadlineSemaphore(parallel, now);
  /** Moving average of decode times; null before the first image. */
  let averageMs: number | null = null;

  async function decode(file: Uint8Array, rendering: Rendering, deadline: number): Promise<Uint8Array> {
    const began = now();
    const pixels = await pixelsOf(file, { rendering, deadline, maxPixels });
    const ms = now() - began;
    averageMs = averageMs === null ? ms : averageMs + newestWeight * (ms - averageMs);
    return pixels;
  }

  return {
    get depth() {
      return semaphore.depth;
    },
    get expectedMs() {
      // 0 when idle: otherwise an average raised by large images would refuse every later image.
      if (semaphore.isIdle || averageMs === null) return 0;
      return averageMs * (1 + semaphore.depth / parallel);
    },
    decode: async (file, { rendering, deadline, isGone }) => {
      requireFormat(file);
      return semaphore.run(() => decode(file, rendering, deadline), { deadline, isGone });
    },
  };
}

interface PixelOptions {
  readonly rendering: Rendering;
  readonly deadline: number;
  readonly maxPixels: number;
}

async function pixelsOf(file: Uint8Array, { rendering, deadline, maxPixels }: PixelOptions): Promise<Uint8Array> {
  const seconds = Math.min(maxSeconds, Math.max(1, Math.ceil((deadline - now()) / 1e3)));
  const end = now() + seconds * 1e3;
  const image = sharp(file, { limitInputPixels: maxPixels }).timeout({ seconds });
  try {
    const { data, info } = await toPixels(image, rendering).toBuffer({ resolveWithObject: true });
    if (info.channels === rendering.channels) return data;
  } catch (error) {
    if (now() < end) throw await badImage(file, error, maxPixels);
    if (now() >= deadline) throw new NotAnswered('expired', 'the deadline passed before the image was decoded');
    throw new BadImage(413, `the image takes longer than ${seconds} s to decode; send a smaller one`);
  }
  throw new BadImage(400, `the image cannot be converted to ${rendering.channels} channels; convert it to sRGB`);
}

/** Finds why sharp refused an image from the header, not from the wording of sharp's message. */
async function badImage(file: Uint8Array, error: unknown, maxPixels: number): Promise<BadImage> {
  const header = await sharp(file, { limitInputPixels: false })
    .metadata()
    .catch(() => null);
  if (header === null || header.width * header.height <= maxPixels)
    return new BadImage(400, `the image is damaged: ${messageOf(error).replaceAll('\n', '; ')}`);
  const pixels = `${header.width} x ${header.height} pixels`;
  return new BadImage(413, `the image has ${pixels}, the limit is ${maxPixels} pixels; send a smaller one`);
}

const warmUpDeadlineMs = 60_000;

/** Decodes one image before the server accepts traffic: the first decode initialises libraries and is a hundred times slower. */
export async function warmUp(rendering: Rendering, options: DecoderOptions): Promise<void> {
  const [height, width] = rendering.size;
  const picture = { width, height, channels: 3, background: 'black' } as const;
  const file = await sharp({ create: picture }).jpeg().toBuffer();
  const deadline = performance.now() + warmUpDeadlineMs;
  await createDecoder(options).decode(file, { rendering, deadline, isGone: () => false });
}
