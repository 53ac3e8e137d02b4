import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toPixels } from '../../base/image-pixels.js';
import { classification, type LearningTask } from '../../base/task.js';
import { completeDecoding, type Decoding } from '../../base/preprocess.js';
import { Random } from '../../base/random.js';
import { runOnnx } from '../../compiler/index.js';
import { exportOnnx, exportWeb, type ModelMetadata } from '../../deploy/index.js';
import type { Network } from '../../spaces/index.js';
import { initialWeights } from '../../spaces/models/index.js';
import { executable, titleInBrowser, violationsOf } from '../support/browser.js';
import { picture } from '../serve/images/pictures.js';
import { metadataFor } from './support/classifiers.js';
import { choose, Site, status } from './support/site.js';
import { sharedFolder } from '../support/temporary.js';

const classes = ['cat', 'dog <b>', 'ümlaut'];

const networkOf = (channels: number): Network => ({
  kind: 'network',
  input: [24, 32, channels],
  classes: classes.length,
  stem: { filters: 8, kernel: 3, stride: 2, act: 'relu' },
  blocks: [{ kind: 'basic', filters: 8, kernel: 3, stride: 2, act: 'relu' }],
  head: { filters: 16, act: 'relu', dropout: 0 },
});

/** A classifier with random weights. */
function classifier(
  seed: number,
  channels: number,
  task: LearningTask = classification,
  more: Partial<ModelMetadata> = {},
) {
  const network = networkOf(channels);
  const metadata = metadataFor(network.input, classes, {
    mean: [0.4, 0.5, 0.6].slice(0, channels),
    std: [0.2, 0.3, 0.25].slice(0, channels),
    ...(task.type !== 'classification' && { task }),
    experiment: 'a "cats" & more',
    trial: 7,
    network,
    ...more,
  });
  return { metadata, model: exportOnnx({ network, weights: initialWeights(network, seed) }, metadata) };
}

/** A PNG file of random colours, and its bytes. */
async function image(seed: number, [height, width]: readonly number[]) {
  const random = new Random(seed, 'image');
  const pixels = Uint8Array.from({ length: height * width * 3 }, () => Math.floor(256 * random.uniform()));
  const file = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return { pixels, file };
}

/** Outputs by ONNX Runtime here, of pixels [height, width, channels]. */
async function outputsOf(
  { model, metadata }: ReturnType<typeof classifier>,
  pixels: Uint8Array,
): Promise<Float32Array> {
  const { input, mean, std } = metadata;
  const [, , channels] = input;
  const values = Float32Array.from(pixels, (byte, i) => (byte / 255 - mean[i % channels]) / std[i % channels]);
  return runOnnx(model, 'the model', values, [1, ...input]);
}

async function classifyOn(page: Page, file: Buffer) {
  await status(page, /Ready|Answered/);
  await choose(page, file);
  await page.getByAltText('The chosen image').waitFor();
  const lines = await page.getByRole('listitem').allTextContents();
  return new Map(lines.map((line) => [line.replace(/ [\d.]+ %$/, ''), Number(/([\d.]+) %$/.exec(line)?.[1]) / 100]));
}

const expectNear = (shown: number | undefined, probability: number): void =>
  expect(Math.abs((shown ?? NaN) - probability)).toBeLessThan(0.0015);

/** Expects the page to give an image the probabilities of ONNX Runtime here, of its pixels for the network. */
async function expectProbabilities(
  page: Page,
  network: ReturnType<typeof classifier>,
  { file, pixels }: { readonly file: Buffer; readonly pixels: Uint8Array },
): Promise<void> {
  const shown = await classifyOn(page, file);
  const powers = Array.from(await outputsOf(network, pixels), Math.exp);
  const sum = powers.reduce((a, b) => a + b);
  for (const [i, name] of classes.entries()) expectNear(shown.get(name), powers[i] / sum);
}

describe.skipIf(executable === null)(titleInBrowser('a page that classifies'), () => {
  const folder = sharedFolder();
  let site: Site;

  const close = async (page: Page): Promise<void> => {
    await page.context().close();
    expect(site.problems.splice(0)).toEqual([]);
  };
  /** A page of the network, with its service worker. */
  const openOf = async (
    { model, metadata }: ReturnType<typeof classifier>,
    others: readonly ReturnType<typeof classifier>[] = [],
  ): Promise<Page> => {
    await exportWeb(model, metadata, folder, others);
    const page = await site.open();
    await page.evaluate(() => navigator.serviceWorker.ready);
    return page;
  };
  /** Paths in the service worker's cache, once it is ready. */
  const kept = (page: Page): Promise<string[]> =>
    page.evaluate(async () => {
      const { scope } = await navigator.serviceWorker.ready;
      const cache = await caches.open(`nas-classifier ${scope}`);
      return (await cache.keys()).map(({ url }) => new URL(url).pathname).sort();
    });

  beforeAll(async () => {
    const { model, metadata } = classifier(1, 3);
    await exportWeb(model, metadata, folder);
    site = await Site.start(folder);
  });
  afterAll(() => site.stop());

  it('classifies an image as ONNX Runtime does, shows names as text, has no violations for axe, and reports what is no image', async () => {
    const network = classifier(1, 3);
    const page = await site.open();
    expect(await page.title()).toBe('a "cats" & more, trial 7');
    await expectProbabilities(page, network, await image(1, network.metadata.input));
    expect(await violationsOf(page)).toEqual([]);
    await choose(page, Buffer.from('no'), 'x.png');
    await status(page, 'x.png cannot be used');
    await close(page);
  });

  describe('gives the pixels of the training, to within three levels on average for edges and noise', () => {
    let page: Page;
    let files: readonly Buffer[];
    beforeAll(async () => {
      page = await site.open();
      const photo = picture({ width: 323, height: 241 });
      files = await Promise.all([
        photo.clone().png().toBuffer(),
        photo.clone().jpeg({ quality: 95 }).toBuffer(),
        // Sharp cuts before it turns, which may move the cut by a pixel.
        photo.clone().blur(12).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer(),
        picture({ width: 323, height: 241, channels: 4 }).png().toBuffer(),
        picture({ width: 200, height: 301, channels: 1 }).png().toBuffer(),
        photo.clone().toColourspace('rgb16').png().toBuffer(),
      ]);
    });
    afterAll(() => close(page));

    it.each<[string, Partial<Decoding>, readonly [number, number, 1 | 3]]>([
      ['cut', {}, [24, 32, 3]],
      ['cut and enlarged', {}, [250, 350, 3]],
      ['cut to a fifteenth', {}, [31, 17, 3]],
      ['grey', {}, [32, 32, 1]],
      ['with bars', { fit: 'contain', background: '#336699' }, [48, 31, 3]],
      ['stretched', { fit: 'stretch', resampling: 'mitchell' }, [40, 40, 3]],
      ['by a cubic', { resampling: 'cubic' }, [32, 48, 3]],
      ['by a triangle', { resampling: 'linear' }, [32, 48, 3]],
    ])('%s', async (_, changes, [height, width, channels]) => {
      const decoding = completeDecoding(changes);
      // So that values are bytes.
      const scale = { mean: new Array<number>(channels).fill(0), std: new Array<number>(channels).fill(1 / 255) };
      for (const [i, file] of files.entries()) {
        const facts = JSON.stringify({ input: [height, width, channels], ...scale, preprocess: decoding });
        // As a text: the test's own imports are rewritten.
        const shown = await page.evaluate<number[]>(`(async () => {
        const { pixelsOf } = await import(new URL(document.querySelector('script[data-classify]').dataset.classify, document.baseURI).href);
        const bytes = Uint8Array.from(atob('${file.toString('base64')}'), (one) => one.charCodeAt(0));
        return Array.from(await pixelsOf(new Blob([bytes]), ${facts}));
      })()`);
        const expected = await toPixels(sharp(file), { ...decoding, size: [height, width], channels }).toBuffer();
        const apart = shown.reduce((sum, value, at) => sum + Math.abs(value - expected[at]), 0) / shown.length;
        expect(apart, `file ${i}`).toBeLessThan(3);
      }
    });
  });

  it('works offline from the second visit on, and never fetches a file with a hash in its name again', async () => {
    const page = await site.open();
    const { file } = await image(2, [480, 640]);
    const online = await classifyOn(page, file);
    expect(await kept(page)).toHaveLength(8);
    site.requested.splice(0);
    await page.reload();
    expect(await classifyOn(page, file)).toEqual(online);
    expect(site.requested.filter((url) => /\.[0-9a-f]{16}\./.test(url))).toEqual([]);
    await site.stopServing();
    await page.reload();
    expect(await classifyOn(page, file)).toEqual(online);
    site.problems.splice(0);
    await site.serve(Number(new URL(site.address).port));
    await close(page);
  });

  it('loads a newer model on the next visit, and deletes the older one', async () => {
    const page = await site.open();
    const before = await kept(page);
    const network = classifier(2, 1);
    await exportWeb(network.model, network.metadata, folder);
    await page.reload();
    const grey = await sharp(Buffer.alloc(24 * 32 * 3, 90), { raw: { width: 32, height: 24, channels: 3 } })
      .png()
      .toBuffer();
    await expectProbabilities(page, network, { file: grey, pixels: new Uint8Array(24 * 32).fill(90) });
    const names = readFileSync(join(folder, 'index.html'), 'utf8').match(/[\w.-]+\.[0-9a-f]{16}\.\w+/g) ?? [];
    const wanted = [...new Set(names)].map((name) => `/${name}`);
    await expect.poll(() => kept(page)).toEqual(['/', ...wanted].sort());
    expect(before.filter((name) => /model/.test(name)).some((name) => wanted.includes(name))).toBe(false);
    await close(page);
  });

  it('works offline beside another page of the same host', async () => {
    const network = classifier(1, 3);
    const both = ['one', 'two'].map((name) => join(folder, name));
    for (const [i, directory] of both.entries()) {
      const { model, metadata } = classifier(5 + i, 3);
      await exportWeb(model, metadata, directory);
    }
    const context = await site.browser.newContext();
    const page = await context.newPage();
    for (const name of ['one', 'two']) {
      await page.goto(`${site.address}/${name}/`);
      await page.evaluate(() => navigator.serviceWorker.ready);
      await page.reload();
      await expect.poll(() => kept(page)).not.toEqual([]);
    }
    await context.setOffline(true);
    const { file } = await image(6, network.metadata.input);
    for (const name of ['one', 'two']) {
      await page.goto(`${site.address}/${name}/`);
      expect((await classifyOn(page, file)).size).toBe(classes.length);
    }
    await context.close();
    site.problems.splice(0);
  });

  it('shows labels with bars, the likely ones emphasized', async () => {
    const network = classifier(3, 3, { type: 'multi-label' });
    const page = await openOf(network);
    const { pixels, file } = await image(3, network.metadata.input);
    const shown = await classifyOn(page, file);
    const logits = await outputsOf(network, pixels);
    const likely = classes.filter((_, i) => logits[i] > 0);
    for (const [i, name] of classes.entries()) {
      const probability = 1 / (1 + Math.exp(-logits[i]));
      expectNear(shown.get(name), probability);
      expectNear(await page.getByRole('meter', { name }).evaluate((bar: HTMLMeterElement) => bar.value), probability);
    }
    const strong = await page.locator('strong').allTextContents();
    expect(strong.map((text) => text.replace(/ [\d.]+ %$/, '')).sort()).toEqual(likely.sort());
    expect(await violationsOf(page)).toEqual([]);
    await close(page);
  });

  it('shows numbers by name, in their units', async () => {
    const network = classifier(4, 3, { type: 'regression', mean: [31, -5, 2e4], std: [10, 0.5, 3e3] });
    const page = await openOf(network);
    const { pixels, file } = await image(4, network.metadata.input);
    await classifyOn(page, file);
    const numbers = await outputsOf(network, pixels);
    const lines = await page.getByRole('listitem').allTextContents();
    for (const [i, name] of classes.entries()) {
      const value = Number(lines[i].slice(name.length).replaceAll(',', ''));
      expect(lines[i].startsWith(`${name} `)).toBe(true);
      expect(Math.abs(value / numbers[i] - 1)).toBeLessThan(1e-3);
    }
    await close(page);
  });

  it('answers either camera, and offline in float32 or int8', async () => {
    const float = classifier(1, 3, classification, { accuracy: { test: 0.9 } });
    const int8 = classifier(8, 3, classification, { accuracy: { test: 0.89 }, precision: 'int8' });
    const page = await openOf(float, [int8]);
    await page.reload();
    await expect.poll(async () => (await kept(page)).length).toBe(10);
    await page.context().setOffline(true);
    await page.reload();
    await page.getByText('accuracy on test images: float32 90.00 %, int8 89.00 %.').waitFor();
    for (const [name, network] of Object.entries({ float32: float, int8 })) {
      await status(page, /Ready|Answered/);
      await page.getByLabel('Arithmetic').selectOption(name);
      await status(page, /Ready|Answered in [\d.]+ ms/);
      await expectProbabilities(page, network, await image(1, float.metadata.input));
    }
    expect(await violationsOf(page)).toEqual([]);

    await page.evaluate(() => {
      const { mediaDevices } = navigator;
      const own = mediaDevices.getUserMedia.bind(mediaDevices);
      mediaDevices.getUserMedia = (constraints) => {
        document.body.dataset['asked'] = `${document.body.dataset['asked'] ?? ''}${JSON.stringify(constraints?.video)}`;
        return own(constraints);
      };
    });
    await page.getByRole('button', { name: 'Use the camera' }).click();
    await page.getByRole('button', { name: 'Turn the camera' }).click();
    await page.getByRole('button', { name: 'Turn the camera' }).waitFor();
    const sides = ['environment', 'user'].map((facingMode) => JSON.stringify({ facingMode }));
    expect(await page.evaluate(() => document.body.dataset['asked'])).toBe(sides.join(''));
    await status(page, /Answered/);
    expect(await page.getByRole('listitem').count()).toBe(classes.length);
    expect(await violationsOf(page)).toEqual([]);
    await page.getByRole('button', { name: 'Stop the camera' }).click();
    expect(await page.getByLabel('The camera').isVisible()).toBe(false);
    site.problems.splice(0);
    await close(page);
  });
});
