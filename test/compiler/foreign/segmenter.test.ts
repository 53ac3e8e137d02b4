import { describe, expect, test } from 'vitest';
import { onnxSignature, parseOnnx, runOnnx, segmenterFile, type ImageData } from '../../../compiler/index.js';
import { exportOnnx, readMetadata } from '../../../deploy/index.js';
import { detectorMetadata, randomDetector } from '../../support/detector-files.js';
import { foreignSegmenter, type ForeignEnd } from '../../support/foreign-segmenter.js';

const [height, width] = [24, 36];
const data: ImageData = {
  ...{ height, width, channels: 3, task: { type: 'segmentation' }, classes: ['background', 'disc'] },
  ...{ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
};
const segmenter = randomDetector({ head: { segmentation: true } });
const own = exportOnnx(segmenter, detectorMetadata(segmenter));
const images = Float32Array.from({ length: 2 * height * width * 3 }, (_, i) => Math.sin(i * i));
const shape = [2, height, width, 3];
const run = (model: Uint8Array) => runOnnx(model, 'it', images, shape);
const read = (ends: readonly ForeignEnd[], options?: Parameters<typeof segmenterFile>[3]) =>
  segmenterFile(foreignSegmenter(own, ends), 'it', data, options);

/** The logit of the second class above that of the first, of each cell. */
const above = (logits: Float32Array): number[] =>
  Array.from({ length: logits.length / 2 }, (_, cell) => logits[2 * cell + 1] - logits[2 * cell]);

describe('a segmenter of another program', () => {
  test.each<[string, readonly ForeignEnd[]]>([
    ['gives logits with channels last', []],
    ['gives logits with channels first', ['channels first']],
    ['upsamples its logits between the centres of cells', ['channels first', 'upsample']],
    ['ends in a softmax', ['softmax']],
    ['has one logit, of the foreground', ['channels first', 'second']],
    ['has one sigmoid, of the foreground', ['channels first', 'second', 'sigmoid']],
  ])('that %s has the map of cells', async (_, ends) => {
    const file = await read(ends);
    expect(readMetadata(file)).toMatchObject({
      ...{ task: { type: 'segmentation' }, segmentation: { stride: 4 }, input: [height, width, 3], layout: 'NHWC' },
    });
    const { output } = onnxSignature(parseOnnx(file), 'it');
    expect([output.name, ...output.shape.slice(1)]).toEqual(['classes', 6, 9, 2]);
    const [expected, found] = [above(await run(own)), above(await run(file))];
    for (const [cell, value] of expected.entries()) expect(found[cell]).toBeCloseTo(value, 3);
  });

  test('that has a sigmoid for each class has their logarithms', async () => {
    const logits = await run(own);
    const found = await run(await read(['channels first', 'sigmoid']));
    for (const [i, logit] of logits.entries()) expect(found[i]).toBeCloseTo(-Math.log1p(Math.exp(-logit)), 3);
  });

  test('keeps maps of pixels that are upsampled in another way, unless larger cells are asked for', async () => {
    for (const [least, cells] of [
      [1, 24 * 36],
      [4, 6 * 9],
    ]) {
      const file = await read(['channels first', 'corners'], { least });
      expect(readMetadata(file).segmentation).toEqual({ stride: least });
      expect(await run(file)).toHaveLength(2 * cells * 2);
    }
  });

  test('is what says its task, has no map, or is for other data: these files stay', async () => {
    expect(await segmenterFile(own, 'it', data)).toBe(own);
    const foreign = foreignSegmenter(own, []);
    expect(await segmenterFile(foreign, 'it', { ...data, task: { type: 'classification' } })).toBe(foreign);
  });

  test.each<[readonly ForeignEnd[], string]>([
    [['channels first', 'classes'], 'not float32'],
    [['channels first', 'corners', 'upsample'], 'which has no cells of 1, 2, 4, 8, 16, 32 pixels'],
  ])('is refused with the end %j', async (ends, message) => {
    await expect(read(ends)).rejects.toThrow(message);
  });
});
