import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseOnnx } from '../../compiler/index.js';
import { readMetadata } from '../../deploy/index.js';
import { engineSchema } from '../../trainers/index.js';
import { foreignSegmenter, type ForeignEnd } from '../support/foreign-segmenter.js';
import { sharedFolder } from '../support/temporary.js';
import { smallSegmenter, trainedDetector, type TrainedDetector } from '../support/trained-detector.js';
import { evaluateModel } from '../trainers/support/evaluate-model.js';
import { nasInside, expectRefusal, nasOut } from './nas.js';

const folder = sharedFolder();
const [float, int8] = ['float', 'int8'].map((name) => join(folder, `${name}.onnx`));
let trained: TrainedDetector;
let data: string;
beforeAll(async () => {
  vi.stubEnv('NAS_CACHE', join(folder, 'cache'));
  trained = await trainedDetector(folder, join(folder, 'cache'), { network: smallSegmenter });
  data = join(folder, 'data.yaml');
  writeFileSync(data, JSON.stringify({ data: trained.config }));
  writeFileSync(float, trained.onnx);
}, 60_000);
afterAll(() => vi.unstubAllEnvs());

interface Found {
  readonly accuracy: number;
  readonly loss: number;
  readonly confusion: readonly (readonly number[])[];
  readonly errors: { readonly score: number };
  readonly perClass: readonly {
    readonly name: string;
    readonly iou: number;
    readonly errors: { readonly iou: number };
  }[];
  readonly metrics: { readonly worst_iou: number; readonly pixel_accuracy: number };
}
const evaluated = async (file: string, split = 'validation'): Promise<Found> =>
  JSON.parse(await nasOut('evaluate', file, '--data', data, '--split', split, '--json')) as Found;

describe('a segmenter', () => {
  it('has the mIoU of its training in its file', async () => {
    const { network, weights, dataset } = trained;
    const own = { network, weights, dataset, split: 'validation', threads: 1 } as const;
    const expected = await evaluateModel({ ...own, engine: engineSchema.parse({ type: 'compiled' }) });
    expect(expected.accuracy).toBeGreaterThan(0.6);
    const { accuracy, loss, confusion, errors, perClass, metrics } = await evaluated(float);
    expect(accuracy).toBeCloseTo(expected.accuracy, 4);
    expect(loss).toBeCloseTo(expected.loss, 4);
    expect(perClass.map(({ name }) => name)).toEqual(['background', 'square', 'disc']);
    const ious = perClass.map(({ iou }) => iou);
    expect(ious.reduce((a, b) => a + b) / 3).toBeCloseTo(accuracy, 6);
    expect(metrics.worst_iou).toBe(Math.min(...ious));
    const [row] = confusion;
    expect(row[0] / (row[0] + row[1] + row[2] + confusion[1][0] + confusion[2][0])).toBeCloseTo(ious[0], 6);
    expect(Math.min(errors.score, ...perClass.map((one) => one.errors.iou))).toBeGreaterThan(0);
  });

  it('has the same mIoU as a file of another program, which is shown on a sheet, too', async () => {
    const { accuracy } = await evaluated(float);
    const ends: readonly (readonly ForeignEnd[])[] = [['channels first', 'upsample'], ['softmax']];
    const { mean, std } = trained.metadata;
    for (const [i, end] of ends.entries()) {
      const file = join(folder, `foreign${i}.onnx`);
      writeFileSync(file, foreignSegmenter(trained.onnx, end, i === 0 ? { mean, std } : undefined));
      const sheet = join(folder, `foreign${i}.html`);
      const { err } = await nasInside(['evaluate', file, '--data', data, '--sheet', sheet]);
      expect(err).toContain(`it answers well on ${i === 0 ? 'images in [0, 1]' : "the data's own mean and deviation"}`);
      expect(readFileSync(sheet, 'utf8')).toContain('Images with most wrong pixels');
      expect((await evaluated(file)).accuracy).toBeCloseTo(accuracy, 6);
    }
    const file = join(folder, 'binary.onnx');
    writeFileSync(file, foreignSegmenter(trained.onnx, ['channels first', 'second']));
    await expectRefusal(nasInside(['evaluate', file, '--data', data]), 'has 2 outputs, the data 3 classes');
  });

  it('is shown in a terminal and on a sheet', async () => {
    const sheet = join(folder, 'found.html');
    const out = await nasOut('evaluate', float, '--data', data, '--sheet', sheet, '--wrong');
    expect(out).toMatch(/^mIoU +\d+\.\d\d % ± .* of \d+ images of the test split$/m);
    expect(out).toMatch(/^pixel accuracy +9\d\.\d\d % ± /m);
    expect(out).toMatch(/^class +pixels +IoU /m);
    expect(out).toMatch(/^Confusion matrix$/m);
    expect(out).toMatch(/^images\/\d+\.png +\d+\.\d\d % of the pixels wrong/m);
    const page = readFileSync(sheet, 'utf8');
    expect(page).toContain('Images with most wrong pixels');
    expect(page).toContain('in rising stripes');
  });

  it('is compared with its int8 file, which keeps its mIoU, as do .tflite files', async () => {
    await nasOut('quantize', float, '--data', data, '-o', int8, '--images', '48', '--min-speedup', '0.01');
    expect(readMetadata(readFileSync(int8))).toMatchObject({
      ...{ precision: 'int8', task: { type: 'segmentation' }, segmentation: { stride: 4 } },
    });
    const [before, after] = [await evaluated(float), await evaluated(int8)];
    expect(before.accuracy - after.accuracy).toBeLessThan(0.01);
    const { out: both, err } = await nasInside(['evaluate', float, int8, '--data', data]);
    expect(err.match(/The whole report: /g)).toHaveLength(1);
    expect(both).toMatch(/mIoU/);
    expect(both).toMatch(/^model +precision +mIoU +difference +p$/m);
    expect(both).toMatch(/int8 +\d.* [+−]?\d\.\d\d points ± \d\.\d\d +\d/);
    expect(both).toContain("p: paired test of the same mIoU as the first file's");
    for (const [file, own] of [
      [float, before],
      [int8, after],
    ] as const) {
      const directory = `${file}-tflite`;
      await nasOut('export', file, '--to', 'tflite', '-o', directory);
      const lite = await evaluated(join(directory, 'model.tflite'));
      expect(Math.abs(lite.accuracy - own.accuracy)).toBeLessThan(0.005);
    }
  });

  it('is exported as C, as a layers model of the same mIoU, also without its metadata, and with its mask inside', async () => {
    for (const [target, file, written] of [
      ['c', int8, 'model.h'],
      ['tfjs', float, 'model.json'],
      ['onnx', float, 'model.onnx'],
    ] as const) {
      const directory = join(folder, `to-${target}`);
      await nasOut('export', file, '--to', target, ...(target === 'onnx' ? ['--decoded'] : []), '-o', directory);
      expect(existsSync(join(directory, written))).toBe(true);
    }
    const layers = join(folder, 'to-tfjs');
    const { accuracy } = await evaluated(float);
    for (const metadata of [true, false]) {
      if (!metadata) rmSync(join(layers, 'metadata.json'));
      expect((await evaluated(layers)).accuracy).toBeCloseTo(accuracy, 6);
    }
    const outputs = (path: string) => parseOnnx(readFileSync(path)).graph.output.map(({ name }) => name);
    expect([float, join(folder, 'to-onnx/model.onnx')].map(outputs)).toEqual([['classes'], ['mask']]);
    expect(readFileSync(join(folder, 'to-c/model.h'), 'utf8')).toContain('void nas_segment(uint8_t *classes);');
    await expectRefusal(
      nasInside(['evaluate', join(folder, 'to-onnx/model.onnx'), '--data', data]),
      'no outputs of a segmenter',
    );
  });
});
