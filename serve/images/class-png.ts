import { crc32, deflate } from 'node:zlib';
import { promisify } from 'node:util';
import type { Extent } from '../../base/boxes.js';

/** The colours of PASCAL VOC, [classes, 3]: bits of the index, from the lowest, are the highest bits of red, green and blue in turn. */
function paletteOf(classes: number): Uint8Array {
  const colours = new Uint8Array(3 * classes);
  for (let label = 0; label < classes; label++)
    for (let bit = 0; bit < 8; bit++)
      for (let c = 0; c < 3; c++) colours[3 * label + c] |= ((label >> (3 * bit + c)) & 1) << (7 - bit);
  return colours;
}

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
/** Bits of a sample, kind of colours (an index of the palette), compression, filter, interlacing. */
const indexed = [8, 3, 0, 0, 0] as const;

function chunk(name: string, content: Uint8Array): Buffer {
  const framed = Buffer.alloc(content.length + 12);
  framed.writeUInt32BE(content.length, 0);
  framed.write(name, 4, 'latin1');
  framed.set(content, 8);
  framed.writeUInt32BE(crc32(framed.subarray(4, -4)), framed.length - 4);
  return framed;
}

/** Rows of pixels as a PNG stores them: a byte before each row says that it has no filter. */
export const pngRowBytes = (width: number): number => width + 1;

/**
 * A PNG whose samples are the indices of classes, with a colour for each class; compressed on a thread.
 * @param rows [height, 1 + width]: see `pngRowBytes`
 */
export async function classPng({ width, height }: Extent, classes: number, rows: Uint8Array): Promise<Buffer> {
  const header = Buffer.alloc(8 + indexed.length);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set(indexed, 8);
  const pixels = await promisify(deflate)(rows, { level: 3 });
  const parts = [chunk('IHDR', header), chunk('PLTE', paletteOf(classes)), chunk('IDAT', pixels)];
  return Buffer.concat([signature, ...parts, chunk('IEND', new Uint8Array())]);
}
