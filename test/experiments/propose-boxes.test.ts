import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseExperiment, trainingOf } from '../../experiments/parse/index.js';
import { boxesExperimentText, proposeSize } from '../../experiments/propose-boxes.js';
import { describeBoxes, type BoxesDescription } from '../../experiments/data/index.js';
import { proposeExperiment } from '../../runner/propose.js';
import type { BoxesConfig, NetworkSize } from '../../trainers/index.js';
import { cachedFolder } from '../runner/experiment.js';
import type { BoardName } from '../../experiments/schema/constraints.js';
import { inside } from '../runner/inside.js';
import { makeBoxedImages } from '../support/boxed-images.js';

const folder = cachedFolder();
let data: BoxesConfig;
let description: BoxesDescription;
beforeAll(async () => {
  data = await makeBoxedImages(join(folder, "it's: #1"), { count: 40 });
  ({ description } = await describeBoxes(data, {}));
});

const options = { observe: () => undefined, signal: new AbortController().signal };
const request = () => ({ images: data.path, file: join(folder, 'search', 'experiment.yaml'), estimated: false });

describe('the proposed experiment for boxes', () => {
  it('has the size that the boxes ask for, and what the images hold', async () => {
    const { text, hours } = await proposeExperiment(request(), options);
    const loaded = parseExperiment(request().file, text);
    const { data: own, train, objectives, search } = trainingOf(loaded);
    expect(own).toMatchObject({ type: 'boxes', path: data.path, size: [80, 96], validation: 0.1, test: 0.15 });
    expect(train).toMatchObject({ batch: 16, steps: 600, augment: [{ type: 'window' }, { type: 'flip' }] });
    expect(objectives.map(({ name }) => name)).toEqual(['ap50', 'latency_ms']);
    expect(search.trials).toBe(24);
    expect(text).toContain('# 40 images with');
    expect(hours).toEqual([]);
  });

  it('estimates its hours', async () => {
    const sample = { networks: 1, seconds: 0.1 };
    const { hours } = await proposeExperiment(
      { ...request(), estimated: true },
      { ...options, sample, workers: inside },
    );
    expect(hours.join(' ')).toMatch(/The run takes about .*(min|hours)/);
  });

  it('is for boxes on a board where networks for them fit, else for centroids', async () => {
    const proposed = async (board: BoardName) => {
      const { text } = await proposeExperiment({ ...request(), board }, options);
      const { data: own, objectives, limits, compress, space } = trainingOf(parseExperiment(request().file, text));
      expect([limits?.length, compress.int8]).toEqual([2, 'require']);
      if (own.type !== 'boxes' || space.type !== 'mobilenet') throw new Error('another experiment');
      return { task: own.task, size: own.size, preset: space.preset, objectives: objectives.map(({ name }) => name) };
    };
    expect(await proposed('stm32f746ng')).toEqual({
      ...{ task: undefined, size: [80, 96], preset: 'detector', objectives: ['ap50', 'instructions'] },
    });
    expect(await proposed('samd21g18')).toEqual({
      ...{ task: 'centroids', size: [80, 96], preset: 'centroids', objectives: ['centroid_f1', 'macs'] },
    });
    await expect(proposed('stm32f103c8')).rejects.toThrow('networks for boxes do not fit into stm32f103c8');
  });

  it('has at most 320 pixels, and cells as large as the boxes allow', () => {
    const size = (width: number): NetworkSize => ({
      width,
      height: 96,
      under6: 0,
      worst: 0,
      under16: 0,
      small: 40,
      median: 60,
    });
    const sizes = [96, 192, 320, 512].map(size);
    const advised = { ...description, sizes, advice: { ...size(512), stride: 16 } as const };
    expect(proposeSize(advised)?.width).toBe(320);
    expect(proposeSize({ sizes: [], advice: null })).toBe(null);
    const info = { height: 96, width: 320, classes: ['a: b'], counts: { train: 9, validation: 2, test: 2 } };
    const text = boxesExperimentText({ name: '1e3', path: '.', description: advised, info }, ['An hour.']);
    const { space, name, train } = trainingOf(parseExperiment('experiment.yaml', text, { checkFiles: false }));
    expect([name, train.batch]).toEqual(['1e3', 9]);
    expect(space).toMatchObject({ detect: { stride: [8, 16] } });
  });
});
