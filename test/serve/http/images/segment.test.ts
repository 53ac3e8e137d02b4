import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { largestClasses } from '../../../../base/class-map.js';
import { maskRuns } from '../../../../serve/http/images/segment.js';
import { createDecoder } from '../../../../serve/images/decoder.js';
import { readFrontier } from '../../../../serve/models/frontier.js';
import { renderingOf, type Model } from '../../../../serve/models/model.js';
import { Turns } from '../../../../serve/turns.js';
import { writeDetector, type DetectorOptions } from '../../../support/detector-files.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { blackPng, picture } from '../../images/pictures.js';
import { testPool } from '../../inference/pools.js';
import { outputsOf } from '../../reference.js';
import { serviceOf, startServer } from '../server.js';
import { formOf, postImage, sendImage, type Answered } from './post.js';
import { inJson } from '../open-inference/requests.js';

beforeAll(async () => void (await tf.setBackend('cpu')));

const decoder = createDecoder({ parallel: 2, maxPixels: 50e6 });
const options = { deadline: Infinity, isGone: () => false, client: 'test', only: null };
const segmenter: DetectorOptions = { head: { segmentation: true }, seed: 5, std: 2 };

async function serve(networks: Readonly<Record<string, DetectorOptions>> = { only: segmenter }, memoryBytes = 1 << 28) {
  const folder = temporaryFolder();
  for (const [name, own] of Object.entries(networks)) writeDetector(folder, name, own);
  const frontier = await readFrontier(folder);
  const server = await startServer(serviceOf(await testPool({ frontier })), {
    ...{ decoder, memoryBytes },
    limits: { bodyBytes: 1 << 22 },
  });
  return { ...server, model: frontier.models[0] };
}

interface Mask {
  readonly width: number;
  readonly height: number;
  readonly classes: readonly { readonly class: string; readonly pixels: number }[];
  readonly rle: readonly number[];
}

const send = (url: string, path: string, body: Uint8Array | FormData, accept = 'application/json') =>
  sendImage(`${url}/v1/segment${path}`, body, { accept });

const post = (url: string, path: string, body: Uint8Array | FormData, accept = 'application/json') =>
  postImage(`${url}/v1/segment${path}`, body, { accept }) as Promise<Answered<{ results: Mask[]; error?: string }>>;

/** The pixels of run lengths. */
const pixelsOf = (rle: readonly number[]): number[] =>
  Array.from({ length: rle.length / 2 }, (_, i) => new Array<number>(rle[2 * i + 1]).fill(rle[2 * i])).flat();

/** The logits of a network for an image file: [rows, columns, classes] of 6 x 9 cells. */
const logitsOf = async (model: Model, file: Uint8Array) =>
  outputsOf(model, await decoder.decode(file, { ...options, rendering: renderingOf(model) }));

/** The classes of an image's pixels by the definition: a pixel's middle is placed among the middles of the cells. */
function classesByDefinition(values: Float32Array, width: number, height: number): number[] {
  const scale = Math.min(36 / width, 24 / height);
  const along = (pixel: number, pixels: number, shown: number, side: number, cells: number) => {
    const at = ((pixel + 0.5) * shown) / pixels + Math.floor((side - shown) / 2);
    const cell = Math.min(cells - 1, Math.max(0, at / 4 - 0.5));
    return { low: Math.floor(cell), high: Math.min(cells - 1, Math.floor(cell) + 1), share: cell % 1 };
  };
  const [shownWidth, shownHeight] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  return Array.from({ length: width * height }, (_, i) => {
    const x = along(i % width, width, shownWidth, 36, 9);
    const y = along(Math.floor(i / width), height, shownHeight, 24, 6);
    const logits = [0, 1].map((label) => {
      const at = (row: number, column: number): number => values[(row * 9 + column) * 2 + label];
      const left = at(y.low, x.low) * (1 - y.share) + at(y.high, x.low) * y.share;
      const right = at(y.low, x.high) * (1 - y.share) + at(y.high, x.high) * y.share;
      return left * (1 - x.share) + right * x.share;
    });
    return logits[1] > logits[0] ? 1 : 0;
  });
}

describe('POST /v1/segment', () => {
  it('answers in pixels of the sent image, without the bars: photographs of odd sizes', async () => {
    const { url, model } = await serve();
    const seen = new Set<number>();
    for (const [width, height, orientation] of [
      ...[[36, 24, 1] as const, [61, 97, 1] as const, [150, 20, 1] as const, [3, 41, 1] as const, [1, 1, 1] as const],
      ...[[70, 33, 6] as const, [33, 70, 8] as const],
    ]) {
      const file = await picture({ width, height }).jpeg().withMetadata({ orientation }).toBuffer();
      const turned = orientation > 4 ? [height, width] : [width, height];
      const expected = classesByDefinition(await logitsOf(model, file), turned[0], turned[1]);
      const { status, body } = await post(url, '', file);
      const [{ rle, classes, ...mask }] = body.results;
      expect([status, mask], `${width} x ${height}`).toMatchObject([200, { width: turned[0], height: turned[1] }]);
      // Logits of the server's batch differ in their last digit, and so may pixels on the border of two classes.
      const pixels = pixelsOf(rle);
      expect(pixels.length).toBe(expected.length);
      expect(pixels.filter((label, i) => label !== expected[i]).length).toBeLessThanOrEqual(pixels.length / 500);
      expect(classes).toEqual(
        ['square', 'disc'].map((name, label) => ({
          class: name,
          pixels: pixels.filter((own) => own === label).length,
        })),
      );
      for (let i = 2; i < rle.length; i += 2) expect(rle[i]).not.toBe(rle[i - 2]);
      for (const label of pixels) seen.add(label);
    }
    expect(seen.size).toBe(2);
  });

  it('has the classes of evaluation for an image of the network’s size', async () => {
    const { url, model } = await serve();
    const file = await picture({ width: 36, height: 24 }).png().toBuffer();
    const map = { rows: 6, columns: 9, classes: 2, stride: 4, values: await logitsOf(model, file) };
    const { body } = await post(url, '', file);
    expect(body.results).toMatchObject([{ network: 'only', miou: 0.75, ms: { queued: expect.any(Number) as number } }]);
    expect(pixelsOf(body.results[0].rle)).toEqual([...largestClasses(map, [24, 36])]);
  });

  it('answers a PNG of indices with the colours of PASCAL VOC', async () => {
    const { url } = await serve();
    const file = await picture({ width: 90, height: 60 }).png().toBuffer();
    const { body } = await post(url, '', file);
    const response = await send(url, '', file, 'image/png');
    expect([response.headers.get('content-type'), response.headers.get('x-network')]).toEqual(['image/png', 'only']);
    const { data, info } = await sharp(await response.arrayBuffer())
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 90, height: 60, channels: 3 });
    const pixels = pixelsOf(body.results[0].rle);
    expect(Buffer.from(pixels.flatMap((label) => [128 * label, 0, 0])).equals(data)).toBe(true);
  });

  it('answers a smaller mask on request, and several images in order', async () => {
    const { url } = await serve();
    const files = await Promise.all([90, 300].map(async (width) => picture({ width, height: 60 }).png().toBuffer()));
    const form = formOf(...files);
    const { body } = await post(url, '?side=150', form);
    expect(body.results).toMatchObject([
      { width: 90, height: 60 },
      { width: 150, height: 30 },
    ]);
    for (const [i, file] of files.entries()) {
      const alone = await post(url, '?side=150&network=only', file);
      expect(body.results[i].rle).toEqual(alone.body.results[0].rle);
    }
    expect(await post(url, '', form, 'image/png')).toMatchObject({
      status: 400,
      body: { error: 'a form is not answered in image/png. Send one image as the body.' },
    });
  });

  it('bounds the mask of a photograph of 40 megapixels', async () => {
    const { url } = await serve();
    const large = blackPng(8000, 5000);
    expect(await post(url, '', large)).toEqual({
      status: 413,
      body: {
        error: 'the mask of an image of 8000 x 5000 pixels is longer than 4096: ask for a smaller one, ?side=4096',
      },
    });
    const { body } = await post(url, '?side=4096', large);
    expect(body.results).toMatchObject([{ width: 4096, height: 2560 }]);
    expect(body.results[0].classes.reduce((sum, { pixels }) => sum + pixels, 0)).toBe(4096 * 2560);
    for (const side of ['0', '4097', '1e3', '-1', '', '12.5', '64&side=32'])
      expect(await post(url, `?side=${side}`, large), side).toMatchObject({
        status: 400,
        body: { error: expect.stringMatching(/^side is .* from 1 to 4096/) as string },
      });
  });

  it('takes the memory of a picture from the limit of all requests', async () => {
    const { url } = await serve({ only: segmenter }, 1 << 20);
    const file = blackPng(1000, 1000);
    expect(await post(url, '', file, 'image/png')).toMatchObject({
      status: 503,
      body: { error: expect.stringMatching(/limit of 1048576 bytes/) as string },
    });
    // Given back, or never taken.
    for (let i = 0; i < 5; i++) expect((await send(url, '?side=100', file, 'image/png')).status).toBe(200);
    expect((await post(url, '', file)).status).toBe(200);
  });

  it('is named by the requests of other tasks', async () => {
    const { url } = await serve();
    expect(await postImage(`${url}/v1/detect`, blackPng(8, 8))).toEqual({
      status: 422,
      body: {
        error: 'frontier was made for segmentation, /v1/detect is for detection. Send the image to /v1/segment.',
      },
    });
  });

  it('gives its raw map over the Open Inference Protocol', async () => {
    const { url, model } = await serve();
    const shape = [-1, 6, 9, 2];
    const parameters = { task: 'segmentation', kind: 'logits' };
    expect(await (await fetch(`${url}/v2/models/only`)).json()).toMatchObject({
      outputs: [{ name: 'classes', datatype: 'FP32', shape, parameters }],
      classes: ['square', 'disc'],
    });
    const pixels = Uint8Array.from({ length: 24 * 36 * 3 }, (_, i) => (i * 37) % 256);
    const image = { name: 'image', datatype: 'UINT8', shape: [1, 24, 36, 3], data: [...pixels] };
    const response = await fetch(`${url}/v2/models/only/infer`, inJson({ inputs: [image] }));
    const { outputs } = (await response.json()) as { outputs: { shape: number[]; data: number[] }[] };
    expect(outputs).toMatchObject([{ name: 'classes', shape: [1, 6, 9, 2] }]);
    for (const [i, value] of (await outputsOf(model, pixels)).entries())
      expect(outputs[0].data[i]).toBeCloseTo(value, 5);
  });
});

it('a file without the stride of its map cannot be served', async () => {
  const folder = temporaryFolder();
  writeDetector(folder, 'only', { ...segmenter, metadata: { segmentation: undefined } });
  await expect(readFrontier(folder)).rejects.toThrow("is a segmenter, but the key 'segmentation' of its metadata");
});

describe('a mask', () => {
  const turns = new Turns();

  async function runsOf(run: Partial<typeof options>, take: (bytes: number) => void = () => undefined) {
    const folder = temporaryFolder();
    writeDetector(folder, 'only', segmenter);
    const [model] = (await readFrontier(folder)).models;
    // Every cell differs from its neighbours.
    const outputs = Float32Array.from({ length: 6 * 9 * 2 }, (_, i) => ((i >> 1) + i) % 2);
    const answer = { model, outputs, batch: 1, queuedMs: 0, computedMs: 0 };
    const extent = { width: 1000, height: 1000 };
    return maskRuns(answer, extent, extent, { decoder, turns, take, run: { ...options, ...run } });
  }

  it('takes turns of the event loop, and memory for what it has written', async () => {
    let [taken, others] = [0, 0];
    const other = setInterval(() => others++, 0);
    const { mask, rle } = await runsOf({}, (bytes) => (taken += bytes));
    clearInterval(other);
    expect(others).toBeGreaterThan(1);
    expect(mask.counts.reduce((sum, count) => sum + count, 0)).toBe(1e6);
    expect(rle.length - taken).toBeLessThan(50);
    expect(taken).toBeGreaterThan(10_000);
  });

  it('ends when the client has gone, the deadline has passed, or no memory is left', async () => {
    let parts = 0;
    await expect(runsOf({ isGone: () => ++parts > 3 })).rejects.toThrow('the client has closed its connection');
    expect(parts).toBe(4);
    await expect(runsOf({ deadline: performance.now() })).rejects.toThrow('before the mask was complete');
    const full = new Error('full');
    const take = (): void => {
      throw full;
    };
    await expect(runsOf({}, take)).rejects.toBe(full);
  });
});
