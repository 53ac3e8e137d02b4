/** Reads the cost of an image from the first bytes of its file, before it is given to a decoder. */

/** What an image is made of; `pixels`: no file, but bytes that are rendered. */
export type ImageKind = 'pixels' | 'jpeg' | 'jpeg, progressive' | 'png' | 'png, 16 bit' | 'png, interlaced' | 'webp';

export interface ImageHeader {
  readonly kind: ImageKind;
  readonly width: number;
  readonly height: number;
  /** Pixels that are decoded: those of an image, times its scans where they exceed the usual ten of a progressive JPEG. */
  readonly work: number;
  /** Memory in bytes of a decoder that cannot work row by row; 0: it can. */
  readonly bytes: number;
}

const startsWith = (file: Buffer, text: string, at = 0): boolean =>
  file.toString('latin1', at, at + text.length) === text;

/** Channels by the colour type of a PNG. */
const pngChannels: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 4, 4: 2, 6: 4 };

function pngHeader(file: Buffer): ImageHeader | null {
  if (file.length < 33 || !startsWith(file, 'IHDR', 12)) return null;
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  const [depth, colour, interlace] = [file[24], file[25], file[28]];
  const isDeep = depth > 8;
  const whole = width * height * (pngChannels[colour] ?? 4) * (isDeep ? 2 : 1);
  const kind = interlace !== 0 ? 'png, interlaced' : isDeep ? 'png, 16 bit' : 'png';
  // A picture that is rotated by its EXIF data is decoded as a whole.
  return { kind, width, height, work: width * height, bytes: interlace !== 0 || hasPngExif(file) ? whole : 0 };
}

function hasPngExif(file: Buffer): boolean {
  for (let at = 8; at + 8 <= file.length; at += 12 + file.readUInt32BE(at)) {
    if (startsWith(file, 'eXIf', at + 4)) return true;
    if (startsWith(file, 'IDAT', at + 4)) return false;
  }
  return false;
}

/** Bytes that libjpeg stores for a coefficient of a JPEG that it decodes as a whole. */
const coefficientBytes = 2;
/** Scans of a usual progressive JPEG, and the most that are counted. */
const scans = { usual: 10, most: 1000 } as const;
const startOfScan = Buffer.from([0xff, 0xda]);

/** libjpeg keeps all coefficients unless the first scan has all channels, each with all its frequencies. */
function jpegHeader(file: Buffer): ImageHeader | null {
  let frame: { readonly isBaseline: boolean; readonly size: readonly number[]; readonly channels: number } | null =
    null;
  for (let at = 2; at + 10 <= file.length && file[at] === 0xff;) {
    const marker = file[at + 1];
    if (marker === startOfScan[1]) {
      if (frame === null) return null;
      const { isBaseline, size, channels } = frame;
      const [height, width] = size;
      const pixels = width * height;
      if (isBaseline && file[at + 4] >= channels) return { kind: 'jpeg', width, height, work: pixels, bytes: 0 };
      const work = pixels * Math.max(1, scansFrom(file, at) / scans.usual);
      return { kind: 'jpeg, progressive', width, height, work, bytes: pixels * channels * coefficientBytes };
    }
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker))
      frame = {
        isBaseline: marker === 0xc0 || marker === 0xc1,
        size: [file.readUInt16BE(at + 5), file.readUInt16BE(at + 7)],
        channels: file[at + 9],
      };
    at += 2 + file.readUInt16BE(at + 2);
  }
  return null;
}

/** Number of scans from a position on. Within a scan, 0xff is followed by zero or a restart marker. */
function scansFrom(file: Buffer, start: number): number {
  let count = 0;
  for (let at = start; at >= 0 && count < scans.most; at = file.indexOf(startOfScan, at + 2)) count++;
  return count;
}

/** Width and height of each form of a WebP file, by its first chunk. */
const webpSizes: Readonly<Partial<Record<string, (file: Buffer) => readonly [width: number, height: number]>>> = {
  'VP8 ': (file) => [file.readUInt16LE(26) & 0x3fff, file.readUInt16LE(28) & 0x3fff],
  VP8L: (file) => [1 + (file.readUInt16LE(21) & 0x3fff), 1 + ((file.readUInt32LE(21) >>> 14) & 0x3fff)],
  VP8X: (file) => [1 + file.readUIntLE(24, 3), 1 + file.readUIntLE(27, 3)],
};

function webpHeader(file: Buffer): ImageHeader | null {
  const size = file.length < 30 ? undefined : webpSizes[file.toString('latin1', 12, 16)]?.(file);
  if (size === undefined) return null;
  const [width, height] = size;
  return { kind: 'webp', width, height, work: width * height, bytes: width * height * 4 };
}

/** The formats that the server decodes, by their first bytes. */
const formats: readonly (readonly [isOne: (file: Buffer) => boolean, read: (file: Buffer) => ImageHeader | null])[] = [
  [(file) => startsWith(file, '\xff\xd8\xff'), jpegHeader],
  [(file) => startsWith(file, '\x89PNG\r\n\x1a\n'), pngHeader],
  [(file) => startsWith(file, 'RIFF') && startsWith(file, 'WEBP', 8), webpHeader],
];

/** The header of a JPEG, PNG or WebP file; null: the file is damaged; undefined: it has another format. */
export function imageHeader({ buffer, byteOffset, length }: Uint8Array): ImageHeader | null | undefined {
  const file = Buffer.from(buffer, byteOffset, length);
  return formats.find(([isOne]) => isOne(file))?.[1](file);
}
