import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { cat, height, width } from '../boxes/files.js';

type Colour = readonly [red: number, green: number, blue: number];

const [x, y, w, h] = cat;
/** The rectangles of the masks: a cat and, in other masks, a dog. */
export const isCat = (column: number, row: number): boolean => column >= x && column < x + w && row >= y && row < y + h;

/** The values of a mask: the background, and the rectangle of the cat. */
const filled = <T>(background: T, subject: T, size: readonly [number, number] = [height, width]): T[] =>
  Array.from({ length: size[0] * size[1] }, (_, i) =>
    isCat(((i % size[1]) * width) / size[1], (Math.floor(i / size[1]) * height) / size[0]) ? subject : background,
  );

const raw = (values: readonly number[], channels: 1 | 2 | 3 | 4, size: readonly [number, number] = [height, width]) =>
  sharp(Uint8Array.from(values), { raw: { height: size[0], width: size[1], channels } });

/** A mask of greys. */
export const grey =
  (background: number, subject: number, size?: readonly [height: number, width: number]) => (): Promise<Buffer> =>
    raw(filled(background, subject, size), 1, size)
      .toColourspace('b-w')
      .png()
      .toBuffer();

/** A mask of colours. */
export const coloured =
  (background: Colour, subject: Colour, format: 'png' | 'jpeg' | 'gif' = 'png') =>
  (): Promise<Buffer> =>
    raw(filled(background, subject).flat(), 3)
      .toFormat(format, format === 'jpeg' ? { quality: 80 } : {})
      .toBuffer();

export const transparent = (): Promise<Buffer> =>
  raw(filled([0, 0, 0, 0], [255, 0, 0, 255]).flat(), 4)
    .png()
    .toBuffer();

export const deep = (): Promise<Buffer> =>
  sharp(Uint16Array.from(filled(0, 700)), { raw: { height, width, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer();

/** A black and white mask as a JPEG has it: with greys near both. */
export const noisy = (): Promise<Buffer> =>
  raw(
    filled(0, 255).map((value, i) => Math.abs(value - (i % 23))),
    1,
  )
    .toColourspace('b-w')
    .png()
    .toBuffer();

/** A mask with each value of some once. */
export const ramp = (values: number) => (): Promise<Buffer> =>
  raw(
    Array.from({ length: width * height }, (_, i) => i % values),
    1,
  )
    .toColourspace('b-w')
    .png()
    .toBuffer();

const part = (name: string, data: Buffer): Buffer => {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
};

/** A PNG with a palette, of so many bits for each index. */
export const indexed =
  (background: number, subject: number, palette: readonly Colour[], bits: 1 | 2 | 4 | 8 = 8) =>
  (): Promise<Buffer> => {
    const values = filled(background, subject);
    const perByte = 8 / bits;
    const rows = Array.from({ length: height }, (_, row) => {
      const line = Buffer.alloc(1 + Math.ceil(width / perByte));
      for (let column = 0; column < width; column++)
        line[1 + Math.floor(column / perByte)] |= values[row * width + column] << (8 - bits * ((column % perByte) + 1));
      return line;
    });
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header.set([bits, 3, 0, 0, 0], 8);
    return Promise.resolve(
      Buffer.concat([
        Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
        part('IHDR', header),
        part('PLTE', Buffer.from(palette.flat())),
        part('IDAT', deflateSync(Buffer.concat(rows))),
        part('IEND', Buffer.alloc(0)),
      ]),
    );
  };

/** The first colours of PASCAL VOC. */
export const vocPalette: readonly Colour[] = Array.from({ length: 256 }, (_, value) => {
  const bit = (n: number): number => (value >> n) & 1;
  return [(bit(0) << 7) | (bit(3) << 6), (bit(1) << 7) | (bit(4) << 6), (bit(2) << 7) | (bit(5) << 6)];
});

export const interlaced = (background: number, subject: number) => (): Promise<Buffer> =>
  raw(filled(background, subject), 1).toColourspace('b-w').png({ progressive: true }).toBuffer();
