import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { Random } from '../../../base/random.js';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
  readonly channels?: 1 | 2 | 3 | 4;
}

/** A picture with edges, gradients and noise, deterministic for a size. */
export function picture({ width, height, channels = 3 }: PictureSize): Sharp {
  const random = new Random(width, height, channels);
  const pixels = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const at = Math.floor(i / channels);
    const [x, y] = [at % width, Math.floor(at / width)];
    const square = ((x >> 4) + (y >> 4) + (i % channels)) % 3 === 0 ? 90 : 0;
    return (x * 120) / width + square + random.uniform() * 40;
  });
  return sharp(pixels, { raw: { width, height, channels } });
}

const chunk = (type: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
};

/** A black PNG of one bit a pixel with only `rows` rows: a small file of a large image. */
export function blackPng(width: number, height: number, rows = height): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(rows * (1 + Math.ceil(width / 8))))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

const segment = (marker: number, ...data: readonly number[]): Buffer =>
  Buffer.from([0xff, marker, (data.length + 2) >> 8, (data.length + 2) & 0xff, ...data]);

/**
 * A black JPEG of three channels, each in scans of its own: a decoder keeps the coefficients of the whole image. It is
 * baseline with one scan each; further scans repeat the first one, which a decoder reads again.
 */
export function jpegOfScans(width: number, height: number, scans = 3): Buffer {
  const channels = [1, 2, 3];
  // Each block has two symbols of one bit, both 0: no change of its mean, and the end of the block.
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8);
  const data = Buffer.alloc(Math.ceil(blocks / 4));
  const oneCode = [1, ...new Array<number>(15).fill(0), 0];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, 0, ...new Array<number>(64).fill(1)),
    segment(
      0xc0,
      8,
      height >> 8,
      height & 0xff,
      width >> 8,
      width & 0xff,
      3,
      ...channels.flatMap((id) => [id, 0x11, 0]),
    ),
    segment(0xc4, 0x00, ...oneCode),
    segment(0xc4, 0x10, ...oneCode),
    ...Array.from({ length: scans }, (_, i) => [segment(0xda, 1, 1 + (i % 3), 0, 0, 63, 0), data]).flat(),
    Buffer.from([0xff, 0xd9]),
  ]);
}
