import { crc32 } from 'node:zlib';
import type { Extent } from '../../../base/boxes.js';
import { storedExtent, turns } from '../boxes/turned.js';
import { damageOf } from '../decode.js';

/** The pixels of a mask, before they mean classes. */
export interface Picture extends Extent {
  /** 1: a value for each pixel, which is the index where the file has a palette; 3: colours. */
  readonly channels: 1 | 3;
  /** [height, width, channels]. */
  readonly data: Uint8Array;
  /** The colours of the indices, as 0xrrggbb; absent: there is no palette. */
  readonly palette?: readonly number[];
  /** Whether the file is compressed with losses: values near others may mean those. */
  readonly lossy: boolean;
}

export const rgb = (r: number, g: number, b: number): number => (r << 16) | (g << 8) | b;
export const colourText = (colour: number): string => `#${colour.toString(16).padStart(6, '0')}`;

/** Where the parts of a PNG begin: after its signature, the header's length and name come first. */
const png = { signature: '\x89PNG', header: 12, width: 16, depth: 24, colour: 25, crc: 29, next: 33 } as const;
const paletteColours = 3;

/** A mask in a form that has no classes. */
class UnsuitedMask extends Error {}

/** The value of each pixel of a mask. @throws Error when it is no mask that can be read; its message is the reason */
export async function decodePicture(bytes: Buffer): Promise<Picture> {
  try {
    return await decoded(bytes);
  } catch (error) {
    throw error instanceof UnsuitedMask ? error : damageOf(bytes, bytes.toString('latin1', 0, 64), error);
  }
}

async function decoded(bytes: Buffer): Promise<Picture> {
  const { default: sharp } = await import('sharp');
  const isPng = bytes.toString('latin1', 0, 4) === png.signature && bytes.length > png.next;
  const isIndexed = isPng && bytes[png.colour] === paletteColours;
  const image = sharp(isIndexed ? asGrey(bytes) : bytes);
  const { format, depth, hasAlpha, hasProfile, width, height, space } = await image.metadata();
  if (depth !== 'uchar') throw new UnsuitedMask(`samples of type ${depth}: save it with 8 bits`);
  if (space === 'cmyk') throw new UnsuitedMask('CMYK colours: save it as RGB');
  // Greys would be decoded as three equal channels.
  if (space === 'b-w' && !hasAlpha && !hasProfile) image.toColourspace('b-w');
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const pixels = width * height;
  const { channels } = info;
  const alpha = hasAlpha ? channels - 1 : null;
  for (let i = 0; alpha !== null && i < pixels; i++)
    if (data[i * channels + alpha] !== 255) throw new UnsuitedMask('transparent pixels: save it without transparency');
  const isGrey = channels < 3 || isGreyData(data, channels);
  const kept = isGrey ? 1 : 3;
  const values = channels === kept ? new Uint8Array(data) : new Uint8Array(pixels * kept);
  for (let i = 0; channels !== kept && i < pixels; i++)
    for (let c = 0; c < kept; c++) values[i * kept + c] = data[i * channels + c];
  const picture: Picture = { width, height, lossy: format === 'jpeg', channels: kept, data: values };
  if (!isIndexed) return picture;
  // Greys of fewer bits are decoded to the whole range.
  const step = 255 / (2 ** bytes[png.depth] - 1);
  return { ...picture, data: values.map((value) => Math.round(value / step)), palette: paletteOf(bytes) };
}

function isGreyData(data: Uint8Array, channels: number): boolean {
  for (let i = 0; i < data.length; i += channels) if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return false;
  return true;
}

/** A PNG with a palette as one whose indices are greys, since decoders answer with the colours of a palette. */
function asGrey(bytes: Buffer): Buffer {
  const start = Buffer.from(bytes.subarray(0, png.next));
  start[png.colour] = 0;
  start.writeUInt32BE(crc32(start.subarray(png.header, png.crc)), png.crc);
  const parts: Uint8Array[] = [start];
  for (const { name, from, to } of chunksOf(bytes))
    if (name !== 'IHDR' && name !== 'PLTE' && name !== 'tRNS') parts.push(bytes.subarray(from, to));
  return Buffer.concat(parts);
}

function paletteOf(bytes: Buffer): number[] {
  const part = chunksOf(bytes).find(({ name }) => name === 'PLTE');
  if (part === undefined) return [];
  const colours = bytes.subarray(part.from + 8, part.to - 4);
  return Array.from({ length: Math.floor(colours.length / 3) }, (_, i) =>
    rgb(colours[3 * i], colours[3 * i + 1], colours[3 * i + 2]),
  );
}

/** The parts of a PNG: length, name, data and checksum each. */
function chunksOf(bytes: Buffer): { readonly name: string; readonly from: number; readonly to: number }[] {
  const parts: { name: string; from: number; to: number }[] = [];
  for (let from = 8; from + 12 <= bytes.length;) {
    const to = from + 12 + bytes.readUInt32BE(from);
    parts.push({ name: bytes.toString('latin1', from + 4, from + 8), from, to: Math.min(to, bytes.length) });
    from = to;
  }
  return parts;
}

/** The mask of an image as its file stores it, as the image is shown by its EXIF orientation. */
export function upright(picture: Picture, orientation: number): Picture {
  if (orientation === 1) return picture;
  const { width, height, channels, data } = picture;
  const shown = storedExtent(picture, orientation);
  const turned = new Uint8Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [right, down] = turns[orientation](x + 0.5, y + 0.5, picture).map(Math.floor);
      const from = (y * width + x) * channels;
      turned.set(data.subarray(from, from + channels), (down * shown.width + right) * channels);
    }
  return { ...picture, width: shown.width, height: shown.height, data: turned };
}

/** Number of pixels of each value, or of each colour as 0xrrggbb. */
export function countValues({ channels, data }: Picture): ReadonlyMap<number, number> {
  if (channels === 1) {
    const counts = new Uint32Array(256);
    for (const value of data) counts[value]++;
    return new Map([...counts.entries()].filter(([, count]) => count > 0));
  }
  const counts = new Map<number, number>();
  for (let at = 0; at < data.length;) {
    // Neighbours are often equal.
    const colour = rgb(data[at], data[at + 1], data[at + 2]);
    let run = 0;
    for (; at < data.length && rgb(data[at], data[at + 1], data[at + 2]) === colour; at += 3) run++;
    counts.set(colour, (counts.get(colour) ?? 0) + run);
  }
  return counts;
}
