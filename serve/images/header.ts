/** Reads the cost of an image from the first bytes of its file, before it is given to a decoder. */

export type ImageKind = 'jpeg' | 'jpeg, progressive' | 'png' | 'png, 16 bit' | 'png, interlaced' | 'webp';

export interface ImageHeader {
  readonly kind: ImageKind;
  readonly width: number;
  readonly height: number;
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
  return { kind, width, height, bytes: interlace !== 0 || hasPngExif(file) ? whole : 0 };
}

function hasPngExif(file: Buffer): boolean {
  for (let at = 8; at + 8 <= file.length; at += 12 + file.readUInt32BE(at)) {
    if (startsWith(file, 'eXIf', at + 4)) return true;
    if (startsWith(file, 'IDAT', at + 4)) return false;
  }
  return false;
}

/** Bytes that libjpeg stores for a coefficient of a progressive JPEG. */
const coefficientBytes = 2;

function jpegHeader(file: Buffer): ImageHeader | null {
  for (let at = 2; at + 10 <= file.length && file[at] === 0xff;) {
    const marker = file[at + 1];
    if (marker === 0xff) at++;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      const [height, width, channels] = [file.readUInt16BE(at + 5), file.readUInt16BE(at + 7), file[at + 9]];
      const isBaseline = marker === 0xc0 || marker === 0xc1;
      const bytes = isBaseline ? 0 : width * height * channels * coefficientBytes;
      return { kind: isBaseline ? 'jpeg' : 'jpeg, progressive', width, height, bytes };
    } else at += 2 + file.readUInt16BE(at + 2);
  }
  return null;
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
  return { kind: 'webp', width, height, bytes: width * height * 4 };
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
