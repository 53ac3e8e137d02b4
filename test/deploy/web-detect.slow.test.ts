import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { largestClasses } from '../../base/class-map.js';
import { detectIn } from '../../base/detections.js';
import { toPixels } from '../../base/image-pixels.js';
import { completeDecoding } from '../../base/preprocess.js';
import { runOnnx } from '../../compiler/index.js';
import { exportOnnx, exportWeb, type ModelMetadata } from '../../deploy/index.js';
import { executable, titleInBrowser, violationsOf } from '../support/browser.js';
import { detectorMetadata, randomDetector } from '../support/detector-files.js';
import { sharedFolder } from '../support/temporary.js';
import { picture } from '../serve/images/pictures.js';
import { choose, Site, status } from './support/site.js';

const detector = randomDetector();
const segmenter = randomDetector({ head: { segmentation: true }, seed: 5, std: 2 });
const metadata = {
  detector: detectorMetadata(detector, {
    detection: { stride: 4, most: 150, overlap: 0.3, thresholds: [0.5, 0.6] },
  }),
  segmenter: detectorMetadata(segmenter),
};
const names = metadata.detector.classes;

/** A photograph of the network's proportions, that needs no scaling. */
const file = await picture({ width: 36, height: 24 }).png().toBuffer();

const extent = { width: 36, height: 24 };

/** The maps for the file by ONNX Runtime here. */
async function mapsOf(bytes: Uint8Array, { input, mean, std, preprocess, classes }: ModelMetadata) {
  const [height, width, channels] = input;
  const rendering = { ...completeDecoding(preprocess), size: [height, width] as const, channels };
  const pixels = await toPixels(sharp(file), rendering).toBuffer();
  const normalised = Float32Array.from(pixels, (byte, i) => (byte / 255 - mean[i % 3]) / std[i % 3]);
  const values = await runOnnx(bytes, 'the model', normalised, [1, ...input]);
  return { map: { rows: 6, columns: 9, stride: 4, classes: classes.length, values }, rendering };
}

describe.skipIf(executable === null).each([
  ['finds objects', detector, metadata.detector],
  ['finds the classes of pixels', segmenter, metadata.segmenter],
] as const)(titleInBrowser('a page that %s'), (_, model, own) => {
  const folder = join(sharedFolder(), own.task?.type ?? 'site');
  let site: Site;
  let page: Page;
  let bytes: Uint8Array;

  beforeAll(async () => {
    await tf.setBackend('cpu');
    bytes = exportOnnx(model, own);
    await exportWeb(bytes, own, folder);
    site = await Site.start(folder);
    page = await site.open();
    await status(page, 'Ready');
  });
  afterAll(() => site.stop());

  /** Pixels of the canvas over the image that are not transparent. */
  const drawn = (): Promise<number> =>
    page.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
      if (canvas.width === 0) return 0;
      const context = canvas.getContext('2d') as CanvasRenderingContext2D;
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((value, i) => i % 4 === 3 && value > 0).length;
    });

  /** The lines of the answer for the file. */
  async function expected(): Promise<string[]> {
    const { map, rendering } = await mapsOf(bytes, own);
    if (own === metadata.detector) {
      const boxes = detectIn(map, extent, rendering, own.detection);
      return boxes.map(({ label, score }) => `${names[label]} ${(100 * score).toFixed(1)} %`);
    }
    const mask = largestClasses(map, [24, 36]);
    const shares = [0, 1].map((label) => mask.filter((found) => found === label).length / mask.length);
    const lines = shares.map((share, label) => ({ share, line: `${names[label]} ${(100 * share).toFixed(1)} %` }));
    return lines.sort((a, b) => b.share - a.share).map(({ line }) => line);
  }

  it('lists and draws what it finds in a chosen image', async () => {
    await choose(page, file);
    await page.getByAltText('The chosen image').waitFor();
    const lines = await expected();
    expect(lines.length).toBeGreaterThan(own === metadata.detector ? 2 : 1);
    expect(await page.getByRole('listitem').allTextContents()).toEqual(lines);
    // A segmenter without a class named background colours all pixels.
    expect(await drawn()).toBeGreaterThanOrEqual(own === metadata.detector ? 20 : 36 * 24);
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
    expect(site.problems.splice(0)).toEqual([]);
  });

  it('says why a camera cannot be used', async () => {
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('it is in use'));
    });
    await page.getByRole('button', { name: 'Use the camera' }).click();
    await status(page, 'The camera cannot be used: it is in use');
  });
});
