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
