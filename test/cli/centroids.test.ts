import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseOnnx } from '../../compiler/index.js';
import { readMetadata } from '../../deploy/index.js';
import { evaluateOnSplit } from '../../runner/index.js';
import { engineSchema } from '../../trainers/index.js';
import { sharedFolder } from '../support/temporary.js';
import { smallCentroids, trainedDetector, type TrainedDetector } from '../support/trained-detector.js';
import { nasOut } from './nas.js';
import { evaluateModel } from '../trainers/support/evaluate-model.js';

const folder = sharedFolder();
const [float, int8] = ['float', 'int8'].map((name) => join(folder, `${name}.onnx`));
let trained: TrainedDetector;
/** Data of boxes serves both kinds of detectors. */
let data: string;
beforeAll(async () => {
  vi.stubEnv('NAS_CACHE', join(folder, 'cache'));
  trained = await trainedDetector(folder, join(folder, 'cache'), { network: smallCentroids, task: 'centroids' });
  data = join(folder, 'data.yaml');
  writeFileSync(data, JSON.stringify({ data: { ...trained.config, task: undefined } }));
  writeFileSync(float, trained.onnx);
}, 60_000);
afterAll(() => vi.unstubAllEnvs());

const evaluated = async (file: string): Promise<{ readonly accuracy: number; readonly errors: { score: number } }> =>
  JSON.parse(await nasOut('evaluate', file, '--data', data, '--split', 'validation', '--json')) as never;

describe('a detector of centroids', () => {
  it('has the F1 of its training in its file', async () => {
    const { network, weights, dataset } = trained;
    const own = { network, weights, dataset, split: 'validation', threads: 1 } as const;
    const expected = await evaluateModel({ ...own, engine: engineSchema.parse({ type: 'compiled' }) });
    expect(expected.accuracy).toBeGreaterThan(0.6);
    expect(expected.details).toMatchObject({ type: 'centroids' });
    const best = await evaluateOnSplit(trained.onnx, dataset, 'validation', { thresholds: 'best' });
    expect(best.accuracy).toBeCloseTo(expected.accuracy, 6);
    expect(best.loss).toBeCloseTo(expected.loss, 4);
    // At the thresholds of the file, which are the best ones for these images.
    const { accuracy, errors } = await evaluated(float);
    expect(accuracy).toBeGreaterThanOrEqual(expected.accuracy);
    expect(errors.score).toBeGreaterThan(0);
  });

  it('is shown in a terminal and on a sheet', async () => {
    const sheet = join(folder, 'found.html');
    const out = await nasOut('evaluate', float, '--data', data, '--sheet', sheet, '--wrong');
    expect(out).toMatch(/^F1 +\d+\.\d\d % ± .* of \d+ images of the test split$/m);
    expect(out).toMatch(/^focal loss +0\.\d+$/m);
    expect(out).not.toMatch(/AP/);
    const page = readFileSync(sheet, 'utf8');
    expect(page).not.toContain('AP50');
    expect(page).toContain('aria-label="Precision and recall"');
  });

  it('keeps its F1 in int8 and in .tflite files', async () => {
    await nasOut('quantize', float, '--data', data, '-o', int8, '--images', '48', '--min-speedup', '0.01');
    const bytes = readFileSync(int8);
    expect(readMetadata(bytes)).toMatchObject({ precision: 'int8', task: { type: 'centroids' } });
    const [before, after] = [await evaluated(float), await evaluated(int8)];
    expect(before.accuracy - after.accuracy).toBeLessThan(0.03);
    for (const file of [float, int8]) {
      const directory = `${file}-tflite`;
      await nasOut('export', file, '--to', 'tflite', '-o', directory);
      const lite = await evaluated(join(directory, 'model.tflite'));
      expect(Math.abs(lite.accuracy - (file === float ? before : after).accuracy)).toBeLessThan(0.02);
    }
  });

  it('is exported as C, a page and a layers model, with one map', async () => {
    for (const [target, file, written] of [
      ['c', int8, 'model.h'],
      ['web', float, 'index.html'],
      ['tfjs', float, 'model.json'],
    ] as const) {
      const directory = join(folder, `to-${target}`);
      await nasOut('export', file, '--to', target, '-o', directory);
      expect(existsSync(join(directory, written))).toBe(true);
    }
    expect(parseOnnx(readFileSync(float)).graph.output.map(({ name }) => name)).toEqual(['classes']);
    expect(readFileSync(join(folder, 'to-c/model.h'), 'utf8')).toContain('A found middle of an object');
    const decoded = join(folder, 'decoded');
    await nasOut('export', float, '--to', 'onnx', '--decoded', '-o', decoded);
    const { output } = parseOnnx(readFileSync(join(decoded, 'model.onnx'))).graph;
    expect(output.map(({ name }) => name)).toEqual(['centroids', 'scores', 'labels']);
  });
});
