import type { Extent } from '../../base/boxes.js';
import { messageOf } from '../../base/errors.js';
import { canonicalJson } from '../../base/hash.js';
import { toPixels } from '../../base/image-pixels.js';
import { completeDecoding, defaultDecoding, type Rendering } from '../../base/preprocess.js';

/** Why an image cannot be used; reports count them by these words. */
export const damageCauses = {
  missing: 'missing',
  closed: 'unreadable',
  empty: 'empty',
  zeros: 'only zeros',
  text: 'text or HTML',
  pointer: 'left in Git LFS',
  format: 'of a format that cannot be read',
  truncated: 'truncated',
  corrupt: 'damaged',
  samples: 'of samples other than 8 or 16 bits',
  pixels: 'of too many pixels',
  label: 'of several classes',
} as const;
export type DamageCause = keyof typeof damageCauses;

/** An image that cannot be used. */
export class DamagedImage extends Error {
  constructor(
    readonly reason: DamageCause,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Format and size of an image file. */
export interface ImageHeader {
  /** jpeg, png, ... */
  readonly format: string;
  readonly width: number;
  readonly height: number;
  /** `srgb`, `b-w`, `cmyk`, `rgb16`, ..., with `+ alpha`. */
  readonly colours: string;
}

/** Loads once: `import` takes time for each image, even of a loaded module. */
function lazily<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => (loading ??= load());
}

/** sharp is slow to load, and most processes decode no image. */
const loadSharp = lazily(() => import('sharp'));

/** First bytes of files that are no images, or of other formats, under the name of an image. */
const signatures: readonly (readonly [DamageCause, string, (start: string) => boolean])[] = [
  ['pointer', 'a pointer of Git LFS: run git lfs pull', (start) => start.startsWith('version https://git-lfs')],
  ['text', 'a web page', (start) => /^\s*<(!doctype|html|\?xml|head|body)/i.test(start)],
  ['format', 'a BMP', (start) => start.startsWith('BM')],
  ['format', 'a HEIC', (start) => /^ftyp(heic|heix|hevc|heim|heis|mif1|msf1)/.test(start.slice(4))],
  ['format', 'a JPEG XL', (start) => start.startsWith('\xff\x0a') || start.slice(4).startsWith('JXL ')],
  ['format', 'a JPEG 2000', (start) => start.slice(4).startsWith('jP  ')],
  ['format', 'a PDF', (start) => start.startsWith('%PDF')],
  ['format', 'a Photoshop file', (start) => start.startsWith('8BPS')],
  ['format', 'an archive', (start) => start.startsWith('PK\x03\x04')],
  ['text', 'text', (start) => start.length > 0 && /^[\t\r\n\x20-\x7e]*$/.test(start)],
];

const isTiff = (start: string): boolean => start.startsWith('II') || start.startsWith('MM');

/** The end of a JPEG: within these last bytes, because some programs append to files. */
const jpegEnd = 4096;

/** Whether a file stops before its end. The decoder's messages do not tell: several images share its log. */
const isCut = (bytes: Buffer, start: string): boolean =>
  (start.startsWith('\xff\xd8') && !bytes.subarray(-jpegEnd).includes(Buffer.from([0xff, 0xd9]))) ||
  (start.startsWith('\x89PNG') && !bytes.includes('IEND')) ||
  (start.startsWith('RIFF') && bytes.length >= 8 && bytes.readUInt32LE(4) + 8 > bytes.length);

/** Why a file is no image that can be read. @param start its first bytes */
export function damageOf(bytes: Buffer, start: string, cause: unknown): DamagedImage {
  if (bytes.length === 0) return new DamagedImage('empty', 'empty', { cause });
  const signature = signatures.find(([, , matches]) => matches(start));
  if (signature !== undefined) return new DamagedImage(signature[0], signature[1], { cause });
  if (bytes.every((byte) => byte === 0)) return new DamagedImage('zeros', 'only zeros', { cause });
  const [first] = messageOf(cause).split('\n');
  const message = first.startsWith('Warning treated as error') ? 'damaged data' : first;
  if (/pixel limit/i.test(message)) return new DamagedImage('pixels', message, { cause });
  const reason = isCut(bytes, start) || /unexpected end/i.test(message) ? 'truncated' : 'corrupt';
  return new DamagedImage(reason, reason === 'truncated' ? 'it ends too early' : message, { cause });
}

/**
 * Decodes an image file to bytes [height, width, channels].
 * @throws DamagedImage when it is not a whole image of a format that can be read
 */
export async function decodeImage(bytes: Buffer, rendering: Rendering): Promise<Uint8Array> {
  if (bytes.length === 0) throw new DamagedImage('empty', 'empty');
  const { default: sharp } = await loadSharp();
  const start = bytes.toString('latin1', 0, 64);
  try {
    if (isTiff(start)) {
      // Floating-point samples would be cut to bytes: values of 0 to 1 would become black.
      const { depth } = await sharp(bytes).metadata();
      if (depth !== 'uchar' && depth !== 'ushort')
        throw new DamagedImage('samples', `samples of type ${depth}: save it with 8 or 16 bits`);
    }
    const image = toPixels(sharp(bytes), rendering);
    const { data, info } = await image.toBuffer({ resolveWithObject: true });
    if (info.channels !== rendering.channels)
      throw new Error(`it decodes to ${info.channels} channels instead of ${rendering.channels}`);
    return data;
  } catch (error) {
    throw error instanceof DamagedImage ? error : damageOf(bytes, start, error);
  }
}

/** The header of an image that `decodeImage` decodes. */
export async function imageHeader(bytes: Buffer): Promise<ImageHeader> {
  const { default: sharp } = await loadSharp();
  const { format, width, height, space, hasAlpha } = await sharp(bytes).metadata();
  return { format, width, height, colours: hasAlpha ? `${space} + alpha` : space };
}

/** Width and height of an image as it is shown, upright. @throws DamagedImage when it is no image that can be read */
export async function imageExtent(bytes: Buffer): Promise<Extent & { readonly orientation: number }> {
  if (bytes.length === 0) throw new DamagedImage('empty', 'empty');
  const { default: sharp } = await loadSharp();
  const start = bytes.toString('latin1', 0, 64);
  try {
    const { autoOrient, orientation = 1 } = await sharp(bytes).metadata();
    if (isCut(bytes, start)) throw new Error('unexpected end');
    return { ...autoOrient, orientation };
  } catch (error) {
    throw damageOf(bytes, start, error);
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
