import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import type { Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { defaultDecoding, type Rendering } from '../../../base/preprocess.js';
import { createDecoder } from '../../../serve/images/decoder.js';
import { decodeImage } from '../../../trainers/data/decode.js';
import { Shares } from '../../../serve/shares.js';
import { imageHeader } from '../../../serve/images/header.js';
import { blackPng, jpegOfScans, picture } from './pictures.js';

const pbkdf2Async = promisify(pbkdf2);
const maxPixels = 1e6;
const decoder = createDecoder({ parallel: 2, maxPixels });
const inTime = { deadline: Infinity, isGone: () => false, client: 'test' };
const renderingOf = (size: Rendering['size'], channels: number): Rendering => ({ ...defaultDecoding, size, channels });
const small = { rendering: renderingOf([8, 8], 3), ...inTime };
const photo = picture({ width: 640, height: 480 });

/** Pixels of a file as the image-folder data set reads them. */
const trainingPixels = (file: Buffer, rendering: Rendering): Promise<Uint8Array> => decodeImage(file, rendering);

describe('decoded images', () => {
  it.each<[string, Sharp, number, 1 | 3]>([
    ['a JPEG', photo.clone().jpeg(), 224, 3],
    ['a JPEG that is shrunk while it is read', photo.clone().jpeg(), 96, 3],
    ['a JPEG for a gray network', photo.clone().jpeg(), 28, 1],
    [
      'a progressive JPEG without subsampling',
      photo.clone().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }),
      64,
      3,
    ],
    ['a JPEG that is on its side', photo.clone().withMetadata({ orientation: 6 }).jpeg(), 64, 3],
    ['a JPEG of CMYK', photo.clone().toColourspace('cmyk').jpeg(), 64, 3],
    ['a gray JPEG for a network of three channels', picture({ width: 99, height: 45, channels: 1 }).jpeg(), 32, 3],
    ['a PNG with transparency', picture({ width: 90, height: 120, channels: 4 }).png(), 32, 3],
    ['a gray PNG with transparency', picture({ width: 90, height: 120, channels: 2 }).png(), 28, 1],
    ['a PNG of 16 bits', photo.clone().toColourspace('rgb16').png(), 32, 3],
    ['a PNG with a palette', photo.clone().resize(100).png({ palette: true, colours: 16 }), 32, 3],
    ['a WebP', photo.clone().webp(), 100, 3],
    [
      'a lossless WebP with transparency',
      picture({ width: 50, height: 20, channels: 4 }).webp({ lossless: true }),
      32,
      3,
    ],
    ['an image that is smaller than the network takes', picture({ width: 7, height: 5 }).png(), 32, 3],
  ])('equal the pixels of training: %s', async (_, image, size, channels) => {
    const file = await image.toBuffer();
    const pixels = await decoder.decode(file, { ...inTime, rendering: renderingOf([size, size], channels) });
    expect(pixels).toHaveLength(size * size * channels);
    expect(Buffer.compare(pixels, await trainingPixels(file, renderingOf([size, size], channels)))).toBe(0);
  });

  it('have the height and width of a network with a non-square input', async () => {
    const halves = Buffer.concat([Buffer.alloc(40 * 20 * 3, 0), Buffer.alloc(40 * 20 * 3, 250)]);
    const file = await picture({ width: 40, height: 40 })
      .composite([{ input: halves, raw: { width: 40, height: 40, channels: 3 } }])
      .png()
      .toBuffer();
    const pixels = await decoder.decode(file, { ...inTime, rendering: renderingOf([12, 6], 3) });
    expect(pixels).toHaveLength(12 * 6 * 3);
    expect([...pixels.subarray(0, 6 * 3), ...pixels.subarray(11 * 6 * 3)]).toEqual([
      ...new Array<number>(6 * 3).fill(0),
      ...new Array<number>(6 * 3).fill(250),
    ]);
  });
});

describe('refused images', () => {
  const cut = async (image: Sharp, share: number): Promise<Uint8Array> => {
    const file = await image.toBuffer();
    return file.subarray(0, Math.floor(file.length * share));
  };

  it.each<[string, () => Promise<Uint8Array> | Uint8Array, number, RegExp]>([
    ['nothing', () => new Uint8Array(), 415, /JPEG, PNG or WebP, found nothing/],
    ['a text', () => Buffer.from('a picture of a cat'), 415, /18 bytes that begin with "a picture of"/],
    ['an SVG', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 415, /begin with "<svg xmlns=/],
    ['a GIF', () => photo.clone().resize(16).gif().toBuffer(), 415, /begin with "GIF89a/],
    ['an AVIF', () => photo.clone().resize(16).avif().toBuffer(), 415, /begin with "....ftypavif"/],
    ['a TIFF', () => photo.clone().tiff().toBuffer(), 415, /begin with "II/],
    ['a sound in RIFF', () => Buffer.from('RIFF....WAVEfmt '), 415, /begin with "RIFF....WAVE"/],
    [
      'an SVG behind the first bytes of a JPEG',
      () => Buffer.from('\xff\xd8\xff<svg width="9"/>', 'latin1'),
      400,
      /damaged/,
    ],
    ['half of a JPEG', () => cut(photo.clone().jpeg(), 0.5), 400, /damaged/],
    ['half of a PNG', () => cut(photo.clone().png(), 0.5), 400, /damaged/],
    ['half of a WebP', () => cut(photo.clone().webp(), 0.5), 400, /damaged/],
    ['the first bytes of a PNG', () => cut(photo.clone().png(), 0.0001), 400, /damaged/],
    ['one pixel too many', () => blackPng(maxPixels + 1, 1), 413, /1000001 x 1 pixels\) has more than 1000000 pixels/],
    ['a bomb of a few bytes', () => blackPng(50_000, 50_000, 1), 413, /50000 x 50000 pixels/],
    ['a PNG without all of its rows', () => blackPng(1000, 1000, 10), 400, /damaged/],
  ])('%s', async (_, make, status, message) => {
    const refused = decoder.decode(await make(), small);
    await expect(refused).rejects.toMatchObject({ status, message: expect.stringMatching(message) as string });
  });

  it('are large for their deadline, refused before they are decoded', async () => {
    const large = createDecoder({ parallel: 1, maxPixels: 5e7 });
    const refused = large.decode(blackPng(7000, 7000), { ...small, deadline: performance.now() + 100 });
    await expect(refused).rejects.toMatchObject({ reason: 'hopeless' });
    expect(large.waitMs('test')).toBe(0);
  });

  it('need more memory at once than there is', async () => {
    const memory = new Shares(4e6);
    const little = createDecoder({ parallel: 1, maxPixels: 5e7, memory });
    const interlaced = await picture({ width: 1100, height: 1000 }).png({ progressive: true }).toBuffer();
    await expect(little.decode(interlaced, small)).rejects.toMatchObject({
      status: 413,
      message: expect.stringMatching(
        /1100 x 1000 pixels\) needs 3300000 bytes at once, the limit is 3000000/,
      ) as string,
    });
    expect(await little.decode(await picture({ width: 1100, height: 1000 }).png().toBuffer(), small)).toHaveLength(192);
    expect(memory.free).toBe(4e6);
  });

  it('need the memory of all coefficients when a JPEG has its channels in scans of their own', async () => {
    const memory = new Shares(4e6);
    const little = createDecoder({ parallel: 1, maxPixels: 5e7, memory });
    await expect(little.decode(jpegOfScans(1100, 1000), small)).rejects.toMatchObject({
      status: 413,
      message: expect.stringContaining('needs 6600000 bytes at once') as string,
    });
    expect(await little.decode(jpegOfScans(64, 48), small)).toHaveLength(192);
    // Further scans are work: 40 are four times those of a usual progressive JPEG.
    expect(imageHeader(jpegOfScans(64, 48, 40))).toMatchObject({ kind: 'jpeg, progressive', work: 4 * 64 * 48 });
    expect(imageHeader(jpegOfScans(64, 48).subarray(0, 100))).toBeNull();
  });

  it('are answered at the deadline although their thread goes on', async () => {
    const file = await photo.clone().png().toBuffer();
    // They take all threads in which images are decoded.
    const others = [1, 2, 3, 4].map(() => pbkdf2Async('a', 'b', 3e5, 64, 'sha512'));
    let isBusy = true;
    const ended = Promise.all(others).then(() => (isBusy = false));
    await expect(decoder.decode(file, { ...small, deadline: performance.now() + 40 })).rejects.toMatchObject({
      reason: 'expired',
    });
    expect(isBusy).toBe(true);
    await ended;
  });

  it('free their place for others', async () => {
    for (let i = 0; i < 5; i++) await expect(decoder.decode(blackPng(2000, 2000, 1), small)).rejects.toThrow('2000');
    await expect(decoder.decode(blackPng(1000, 1000), small)).resolves.toEqual(Buffer.alloc(8 * 8 * 3));
  });
});

describe('a decoder under load', () => {
  it('reports the number of waiting images and the expected time', async () => {
    const busy = createDecoder({ parallel: 1, maxPixels });
    const file = await photo.clone().jpeg().toBuffer();
    expect(busy.waitMs('test')).toBe(0);
    await busy.decode(file, small);
    expect(busy.waitMs('test')).toBe(0);
    const all = [1, 2, 3, 4].map(() => busy.decode(file, small));
    // Before the first of them can end.
    expect(busy.depth).toBe(3);
    expect(busy.waitMs('test')).toBeGreaterThan(busy.waitMs('another client'));
    await Promise.all(all);
    expect([busy.depth, busy.waitMs('test')]).toEqual([0, 0]);
  });

  it('drops expired images and images of disconnected clients', async () => {
    const file = await photo.clone().jpeg().toBuffer();
    const late = decoder.decode(file, { ...small, deadline: performance.now() - 1 });
    await expect(late).rejects.toMatchObject({ reason: 'expired' });
    await expect(decoder.decode(file, { ...small, isGone: () => true })).rejects.toMatchObject({ reason: 'gone' });
  });
});
