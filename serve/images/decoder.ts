import sharp from 'sharp';
import type { Extent } from '../../base/boxes.js';
import { renderPixels, toPixels } from '../../base/image-pixels.js';
import type { Rendering } from '../../base/preprocess.js';
import { messageOf } from '../../base/errors.js';
import { NotAnswered, refuseHopeless } from '../inference/pool.js';
import type { ImageSize } from '../models/model.js';
import { Shares } from '../shares.js';
import { DeadlineSemaphore, type Wish } from './deadline-semaphore.js';
import { DecodeTimes } from './decode-times.js';
import { imageHeader, type ImageHeader } from './header.js';

interface DecodeOptions extends Omit<Wish, 'ms'> {
  readonly rendering: Rendering;
}

/** Decodes image files and does other work on libuv's threads, a bounded number in parallel; clients have equal shares. */
export interface Decoder {
  /** Images waiting to be decoded. */
  readonly depth: number;
  /** Expected milliseconds until a thread decodes an image of this client that arrives now. */
  readonly waitMs: (client: string) => number;
  /**
   * Refuses an image as `decode` does, by the first bytes of its file; does nothing where they do not tell its cost.
   * @throws BadImage or NotAnswered
   */
  readonly check: (start: Uint8Array, options: Pick<DecodeOptions, 'deadline' | 'client'>) => void;
  /**
   * Renders a JPEG, PNG or WebP file as bytes [height, width, channels], as training does (`toPixels` of base/image-pixels.ts).
   * @throws BadImage when the file has another format, is damaged or too large; NotAnswered `hopeless`, `expired`, `full` or
   *   `gone`.
   */
  readonly decode: (file: Uint8Array, options: DecodeOptions) => Promise<Uint8Array>;
  /** Width and height of a file that `decode` takes, turned as its EXIF data says. */
  readonly extentOf: (file: Uint8Array) => Promise<Extent>;
  /** Renders the bytes [height, width, channels] of an image, with the permits and refusals of `decode`. */
  readonly render: (pixels: Uint8Array, size: ImageSize, options: DecodeOptions) => Promise<Uint8Array>;
  /** Runs another task of libuv's threads, in turn with the images. @throws NotAnswered `expired` or `gone` */
  readonly run: <T>(task: () => Promise<T>, wish: Wish) => Promise<T>;
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

/**
 * Reads the header by the first bytes of the file, not by its name or content type: no other decoder is ever reached.
 * @throws BadImage 415 when the file is not JPEG, PNG or WebP, 400 when its header is damaged.
 */
function headerOf(file: Uint8Array): ImageHeader {
  const header = imageHeader(file);
  if (header === undefined) {
    const found =
      file.length === 0 ? 'nothing' : `${file.length} bytes that begin with ${JSON.stringify(textOf(file))}`;
    throw new BadImage(415, `expected an image in JPEG, PNG or WebP, found ${found}`);
  }
  if (header !== null) return header;
  throw new BadImage(400, 'the image is damaged: it has no size');
}

/** The first bytes as text, with dots for non-ASCII bytes. */
const textOf = (file: Uint8Array): string =>
  Array.from(file.subarray(0, 12), (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');

interface DecoderOptions {
  /** Images decoded in parallel, each by one thread of libuv's pool (four threads, or UV_THREADPOOL_SIZE). */
  readonly parallel: number;
  /** Largest width × height. */
  readonly maxPixels: number;
  /** Memory of images that are decoded as a whole (interlaced PNGs, progressive JPEGs, WebPs); by default 1 GiB. */
  readonly memory?: Shares;
}

/** Upper bound on the time to decode one image, independent of the request's budget. */
const maxMs = 10_000;
/** Images that take longer than this, in ms, have permits of their own, so that quick ones do not wait for them. */
const quickMs = 50;

const now = (): number => performance.now();

/**
 * A decoder on sharp. It gives the same pixels as training, including shrink-on-load of JPEGs, and refuses the same files
 * (for example truncated ones). The header of a file says what decoding costs; an image that would be late or needs too much
 * memory is refused before it is decoded.
 *
 * It turns off sharp's cache and sharp's own threads for the whole process: images do not repeat, and the semaphores bound
 * the parallelism.
 */
export function createDecoder({ parallel, maxPixels, memory = new Shares(2 ** 30) }: DecoderOptions): Decoder {
  sharp.cache(false);
  sharp.concurrency(1);
  const times = new DecodeTimes(now);
  const quick = new DeadlineSemaphore(parallel, now);
  const slow = new DeadlineSemaphore(Math.max(1, parallel >> 1), now);

  /** The expected time of an image. @throws BadImage 413 when it is too large; NotAnswered `hopeless` when it is late */
  function admit(header: ImageHeader, { deadline, client }: Pick<DecodeOptions, 'deadline' | 'client'>): number {
    const { width, height, bytes } = header;
    const refuse = (why: string): never => {
      throw new BadImage(413, `the image (${width} x ${height} pixels) ${why}`);
    };
    if (width * height > maxPixels) refuse(`has more than ${maxPixels} pixels; send a smaller one`);
    if (bytes > memory.largest)
      refuse(
        `needs ${bytes} bytes at once, the limit is ${memory.largest}; send a smaller one, not interlaced or progressive`,
      );
    const ms = times.expectedMs(header, client);
    if (ms > maxMs) refuse(`would take ${Math.ceil(ms)} ms to decode; send a smaller one`);
    refuseHopeless(deadline, ms + permitsOf(ms).waitMs(client));
    return ms;
  }

  const permitsOf = (ms: number): DeadlineSemaphore => (ms > quickMs ? slow : quick);

  /** Waits for a permit and memory, runs the task, and learns its time. */
  function run(header: ImageHeader, options: DecodeOptions, task: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const { deadline, isGone, client } = options;
    const ms = admit(header, options);
    const done = permitsOf(ms).run(
      async () => {
        if (!memory.take(client, header.bytes)) throw new NotAnswered('full', 'the memory for images is used up');
        const began = now();
        return task().finally(() => {
          memory.give(client, header.bytes);
          times.observe(header, client, now() - began);
        });
      },
      { deadline, isGone, client, ms },
    );
    return answeredBy(deadline, done);
  }

  return {
    get depth() {
      return quick.depth + slow.depth;
    },
    waitMs: (client) => quick.waitMs(client),
    check: (start, options) => {
      const header = imageHeader(start);
      if (header !== undefined && header !== null) admit(header, options);
    },
    decode: async (file, options) => run(headerOf(file), options, () => pixelsOf(file, { ...options, maxPixels })),
    extentOf: async (file) => {
      const { autoOrient } = await sharp(file, { limitInputPixels: maxPixels }).metadata();
      return autoOrient;
    },
    render: async (pixels, size, options) => {
      const [height, width] = size;
      const header = { kind: 'pixels', width, height, work: width * height, bytes: pixels.length } as const;
      return run(header, options, () => renderPixels(pixels, size, options.rendering));
    },
    run: (task, wish) => answeredBy(wish.deadline, permitsOf(wish.ms).run(task, wish)),
  };
}

/** Rejects at the deadline, although a thread that decodes cannot be stopped at once. */
async function answeredBy<T>(deadline: number, result: Promise<T>): Promise<T> {
  const ms = deadline - now();
  if (ms > maxMs) return result;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const expired = new NotAnswered('expired', 'the deadline passed before the image was decoded');
    timer = setTimeout(() => reject(expired), ms);
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function pixelsOf(
  file: Uint8Array,
  { rendering, deadline, maxPixels }: DecodeOptions & { readonly maxPixels: number },
): Promise<Uint8Array> {
  // The library counts whole seconds.
  const seconds = Math.ceil(Math.min(maxMs, Math.max(1, deadline - now())) / 1e3);
  const end = now() + seconds * 1e3;
  const image = sharp(file, { limitInputPixels: maxPixels }).timeout({ seconds });
  try {
    const { data, info } = await toPixels(image, rendering).toBuffer({ resolveWithObject: true });
    if (info.channels === rendering.channels) return data;
  } catch (error) {
    if (now() < end) throw new BadImage(400, `the image is damaged: ${messageOf(error).replaceAll('\n', '; ')}`);
    if (now() >= deadline) throw new NotAnswered('expired', 'the deadline passed before the image was decoded');
    throw new BadImage(413, `the image takes longer than ${seconds} s to decode; send a smaller one`);
  }
  throw new BadImage(400, `the image cannot be converted to ${rendering.channels} channels; convert it to sRGB`);
}

const warmUpDeadlineMs = 60_000;

/** Decodes one image before the server accepts traffic: the first decode initialises libraries and is a hundred times slower. */
export async function warmUp(rendering: Rendering, options: DecoderOptions): Promise<void> {
  const [height, width] = rendering.size;
  const picture = { width, height, channels: 3, background: 'black' } as const;
  const file = await sharp({ create: picture }).jpeg().toBuffer();
  const deadline = performance.now() + warmUpDeadlineMs;
  await createDecoder(options).decode(file, { rendering, deadline, isGone: () => false, client: 'warm-up' });
}
