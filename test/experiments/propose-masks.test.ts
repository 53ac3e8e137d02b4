import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseExperiment, trainingOf } from '../../experiments/parse/index.js';
import { masksExperimentText, proposeMaskSize } from '../../experiments/propose-masks.js';
import type { BoardName } from '../../experiments/schema/constraints.js';
import { proposeExperiment } from '../../runner/propose.js';
import { readMasks, type MasksConfig } from '../../trainers/index.js';
import { cachedFolder } from '../runner/experiment.js';
import { makeBoxedImages, makeMaskedImages } from '../support/boxed-images.js';

const folder = cachedFolder();
let data: MasksConfig;
beforeAll(async () => {
  data = await makeMaskedImages(join(folder, "it's: #1"), { count: 40 });
});

const options = { observe: () => undefined, signal: new AbortController().signal };
const proposed = async (board?: BoardName, images = data.path) => {
  const file = join(folder, 'search', 'experiment.yaml');
  const { text } = await proposeExperiment({ images, file, estimated: false, board }, options);
  return { text, experiment: trainingOf(parseExperiment(file, text)) };
};

describe('the proposed experiment for masks', () => {
  it('shows the images whole, and says which pixels they hold', async () => {
    const { text, experiment } = await proposed();
    expect(experiment.data).toMatchObject({ type: 'masks', path: data.path, size: [48, 64], channels: 3 });
    expect(experiment.space).toMatchObject({ type: 'mobilenet', preset: 'segmenter' });
    expect(experiment.train).toMatchObject({ batch: 16, steps: 600, class_sampling: 'balanced' });
    expect(experiment.objectives.map(({ name }) => name)).toEqual(['miou', 'latency_ms']);
    expect(text).toContain('# 40 images with masks of 3 classes: background, square, disc.');
    expect(text).toMatch(/# Pixels: background \d+ % \(40 images\), square \d+ %/);
  });

  it('is for a board at the largest size at which networks fit', async () => {
    const { experiment } = await proposed('stm32f746ng');
    expect(experiment.objectives.map(({ name }) => name)).toEqual(['miou', 'instructions']);
    expect([experiment.limits?.length, experiment.compress.int8]).toEqual([2, 'require']);
    const masks = await readMasks(data);
    expect(await proposeMaskSize(masks, 3, 'stm32f746ng')).toEqual({ height: 48, width: 64 });
    const images = masks.images.map((image) => ({ ...image, width: 256, height: 192 }));
    expect((await proposeMaskSize({ ...masks, images }, 3, 'samd21g18')).width).toBeLessThan(256);
    await expect(proposeMaskSize(masks, 3, 'stm32f103c8')).rejects.toThrow('networks for masks do not fit into');
  });

  it.each([makeMaskedImages, makeBoxedImages])('has one channel where images have no colour: %o', async (make) => {
    const { path } = await make(join(folder, make.name), { count: 12 });
    for (const name of readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((one) =>
      /^(images.)?\d+\.png$/.test(one),
    )) {
      const file = join(path, name);
      writeFileSync(file, await sharp(readFileSync(file)).greyscale().toColourspace('srgb').png().toBuffer());
    }
    const { text, experiment } = await proposed(undefined, path);
    expect(experiment.data).toMatchObject({ channels: 1 });
    expect(text).toContain('# 1: the images have no colour.');
  });

  it('has at most 256 pixels, and quotes names', async () => {
    const image = { ...(await readMasks(data)).images[0], width: 2048, height: 1024, pixels: [999_999, 1] };
    const masks = { images: [image], classes: ['a: b', 'c\nd'] };
    expect(await proposeMaskSize(masks, 3, undefined)).toEqual({ height: 128, width: 256 });
    const info = { height: 128, width: 256, classes: masks.classes, counts: { train: 9, validation: 2, test: 2 } };
    const text = masksExperimentText({ name: '1e3', path: '.', data, masks, info }, ['An hour.']);
    expect(text).toContain('c d under 1 % (1 images)');
    expect(trainingOf(parseExperiment('experiment.yaml', text, { checkFiles: false })).train.batch).toBe(9);
  });
});
