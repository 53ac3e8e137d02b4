import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fastify, { type FastifyInstance } from 'fastify';
import { chromium, type Browser, type Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detectIn } from '../../base/detections.js';
import { toPixels } from '../../base/image-pixels.js';
import { completeDecoding } from '../../base/preprocess.js';
import { runOnnx } from '../../compiler/index.js';
import { exportOnnx, exportWeb } from '../../deploy/index.js';
import { executable, titleInBrowser, violationsOf } from '../support/browser.js';
import { detectorMetadata, randomDetector } from '../support/detector-files.js';
import { sharedFolder } from '../support/temporary.js';
import { picture } from '../serve/images/pictures.js';

const model = randomDetector();
const metadata = detectorMetadata(model, {
  detection: { stride: 4, most: 150, overlap: 0.3, thresholds: [0.5, 0.6] },
});
const names = metadata.classes;

/** A photograph of the network's proportions, that needs no scaling. */
const file = await picture({ width: 36, height: 24 }).png().toBuffer();

/** The boxes of the file by ONNX Runtime here. */
async function expected(bytes: Uint8Array) {
  const { input, mean, std, detection, classes } = metadata;
  const [height, width, channels] = input;
  const rendering = { ...completeDecoding(metadata.preprocess), size: [height, width] as const, channels };
  const pixels = await toPixels(sharp(file), rendering).toBuffer();
  const normalised = Float32Array.from(pixels, (byte, i) => (byte / 255 - mean[i % 3]) / std[i % 3]);
  const values = await runOnnx(bytes, 'the model', normalised, [1, ...input]);
  const map = { rows: 6, columns: 9, stride: 4, classes: classes.length, values };
  return detectIn(map, { width: 36, height: 24 }, rendering, detection);
}

describe.skipIf(executable === null)(titleInBrowser('a page that finds objects'), () => {
  const folder = join(sharedFolder(), 'site');
  let browser: Browser;
  let server: FastifyInstance;
  let page: Page;
  let bytes: Uint8Array;
  const problems: string[] = [];

  beforeAll(async () => {
    await tf.setBackend('cpu');
    bytes = exportOnnx(model, metadata);
    await exportWeb(bytes, metadata, folder);
    server = fastify({ forceCloseConnections: true });
    await server.register(fastifyStatic, { root: folder, preCompressed: true });
    const address = await server.listen({ host: '127.0.0.1', port: 0 });
    const args = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
    browser = await chromium.launch({ executablePath: executable ?? '', headless: true, args });
    page = await browser.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(address);
    await page.getByRole('status').filter({ hasText: 'Ready' }).waitFor();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  /** Pixels of the canvas over the image that are not transparent. */
  const drawn = (): Promise<number> =>
    page.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
      if (canvas.width === 0) return 0;
      const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(
        0,
        0,
        canvas.width,
        canvas.height,
      );
      return data.filter((value, i) => i % 4 === 3 && value > 0).length;
    });

  it('lists and draws the boxes of a chosen image', async () => {
    await page.getByLabel('An image').setInputFiles({ name: 'image.png', mimeType: 'image/png', buffer: file });
    await page.getByAltText('The chosen image').waitFor();
    const boxes = await expected(bytes);
    expect(boxes.length).toBeGreaterThan(2);
    const lines = await page.getByRole('listitem').allTextContents();
    expect(lines).toEqual(boxes.map(({ label, score }) => `${names[label]} ${(100 * score).toFixed(1)} %`));
    expect(await drawn()).toBeGreaterThan(20);
    expect(await violationsOf(page)).toEqual([]);
  });

  it('answers the picture of a camera until it is stopped', async () => {
    await page.getByRole('button', { name: 'Use the camera' }).click();
    await page.getByLabel('The camera').waitFor();
    const size = () => page.locator('canvas').evaluate((canvas: HTMLCanvasElement) => [canvas.width, canvas.height]);
    await expect.poll(size, { timeout: 20_000 }).toEqual([640, 480]);
    expect(await page.getByAltText('The chosen image').isVisible()).toBe(false);
    expect(await violationsOf(page)).toEqual([]);
    await page.getByRole('button', { name: 'Stop the camera' }).click();
    await page.getByRole('button', { name: 'Use the camera' }).waitFor();
    expect(await page.getByLabel('The camera').isVisible()).toBe(false);
    expect(await drawn()).toBe(0);
    expect(problems.splice(0)).toEqual([]);
  });

  it('says why a camera cannot be used', async () => {
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('it is in use'));
    });
    await page.getByRole('button', { name: 'Use the camera' }).click();
    await page.getByRole('status').filter({ hasText: 'The camera cannot be used: it is in use' }).waitFor();
  });
});
