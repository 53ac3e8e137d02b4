import { toBinary } from '@bufbuild/protobuf';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelProtoSchema } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseOnnx, type OnnxFile } from '../../compiler/index.js';
import { exportOnnx, readMetadata, withMetadata, type ModelMetadata } from '../../deploy/index.js';
import { evaluateOnSplit } from '../../runner/index.js';
import { engineSchema, readWeights } from '../../trainers/index.js';
import { sharedFolder } from '../support/temporary.js';
import { makeTinyDataset } from '../support/tiny-dataset.js';
import { trainedDetector, type TrainedDetector } from '../support/trained-detector.js';
import { nasInside, expectRefusal, nasOut } from './nas.js';
import { evaluateModel } from '../trainers/support/evaluate-model.js';

const folder = sharedFolder();
const float = join(folder, 'float.onnx');
let trained: TrainedDetector;
let data: string;
beforeAll(async () => {
  vi.stubEnv('NAS_CACHE', join(folder, 'cache'));
  trained = await trainedDetector(folder, join(folder, 'cache'));
  data = join(folder, 'data.yaml');
  writeFileSync(data, JSON.stringify({ data: trained.config }));
  writeFileSync(float, trained.onnx);
}, 60_000);
afterAll(() => vi.unstubAllEnvs());

const evaluate = (file: string, ...args: readonly string[]) => nasInside(['evaluate', file, '--data', data, ...args]);

/** The ONNX file with other metadata. */
function described(name: string, change: Partial<ModelMetadata>): string {
  const file = join(folder, `${name}.onnx`);
  writeFileSync(file, withMetadata(trained.onnx, { ...trained.metadata, ...change }));
  return file;
}

interface Printed {
  readonly accuracy: number;
  readonly metrics: { readonly ap: number; readonly f1: number };
  readonly sizes: object;
  readonly sides: readonly { readonly from: number; readonly boxes: number }[];
  readonly errors: { readonly score: number };
  readonly perClass: readonly { readonly name: string; readonly threshold: number; readonly ap50: number }[];
}

describe('nas evaluate of a detector', () => {
  it('has the scores that the training has, and F1 at the thresholds of the file', async () => {
    const { network, weights, dataset, thresholds } = trained;
    const own = { network, weights, dataset, split: 'validation', threads: 1 } as const;
    const expected = await evaluateModel({ ...own, engine: engineSchema.parse({ type: 'compiled' }) });
    const { code, out, err } = await evaluate(float, '--split', 'validation', '--json');
    expect({ code, err }).toMatchObject({ code: 0 });
    const found = JSON.parse(out) as Printed;
    expect(found.accuracy).toBeCloseTo(expected.accuracy, 6);
    expect(found.accuracy).toBeGreaterThan(0.6);
    if (expected.details.type !== 'detection') throw new Error('other details');
    for (const [k, { name, ap50, threshold }] of found.perClass.entries()) {
      expect(name).toBe(['square', 'disc'][k]);
      expect(ap50).toBeCloseTo(expected.details.classes[k].ap50 ?? NaN, 6);
      expect(threshold).toBe(thresholds[k]);
    }
    expect(found.sizes).toEqual(expected.details.sizes);
    expect(found.sides.map(({ from }) => from)).toEqual([0, 6, 10, 16, 32]);
    expect(found.errors.score).toBeGreaterThan(0);
    const best = await evaluateOnSplit(trained.onnx, dataset, 'validation', { thresholds: 'best' });
    expect(best.details).toMatchObject({ classes: thresholds.map((threshold) => ({ threshold })) });
    expect(best.loss).toBeCloseTo(expected.loss, 4);
    // Average precision counts the boxes under the thresholds, too.
    const strict = { ...trained.metadata, detection: { stride: 4, most: 150, overlap: 0.6, thresholds: [1, 1] } };
    const none = await evaluateOnSplit(withMetadata(trained.onnx, strict), dataset, 'validation');
    expect(none.accuracy).toBe(best.accuracy);
    expect(none.details).toMatchObject({ classes: [{ recall: 0 }, { recall: 0 }] });
  });

  it('shows them in a terminal, of a folder, too', async () => {
    const out = await nasOut('evaluate', float, '--data', `boxes:${trained.config.path}`);
    expect(out).toMatch(/^AP50 +\d+\.\d\d % ± .* of \d+ images of the test split$/m);
    expect(out).toMatch(/^AP by size +small \d/m);
    expect(out).toMatch(/^thresholds +of the file, chosen on validation images$/m);
    expect(out).toMatch(/^square +\d+ /m);
  });

  it('knows classes in another order than the data has', async () => {
    const { network, weights, metadata, thresholds } = trained;
    const { network: _, ...rest } = metadata;
    const model = { network, weights: readWeights(network, weights) };
    const kernel = model.weights.get('classes/kernel');
    const bias = model.weights.get('classes/bias');
    if (kernel === undefined || bias === undefined) throw new Error('no such weights');
    const swapped = new Map(model.weights)
      .set('classes/kernel', { ...kernel, data: kernel.data.map((_value, i) => kernel.data[i ^ 1]) })
      .set('classes/bias', { ...bias, data: bias.data.toReversed() });
    const other = { ...rest, classes: rest.classes.toReversed() };
    const file = exportOnnx(
      { network, weights: swapped },
      { ...other, detection: { stride: 4, most: 150, overlap: 0.6, thresholds: thresholds.toReversed() } },
    );
    const [found, expected] = await Promise.all(
      [file, trained.onnx].map((bytes) => evaluateOnSplit(bytes, trained.dataset, 'validation')),
    );
    expect(found.accuracy).toBeCloseTo(expected.accuracy, 6);
    expect(found.details).toMatchObject({ classes: thresholds.map((threshold) => ({ threshold })) });
  });

  it.each<readonly [string, Partial<ModelMetadata>, RegExp]>([
    ['no word of boxes', { detection: undefined }, /does not say how its outputs become boxes/],
    ['another stride', { detection: { stride: 8, most: 150, overlap: 0.6 } }, /no 6 x 6 cells of 2 classes and a box/],
    [
      'other classes',
      { classes: ['cat', 'dog'] },
      /it lacks square, disc; [^]*Use data with the classes of the model\.$/m,
    ],
    ['more classes', { classes: ['square', 'disc', 'ring'] }, /3 classes/],
    [
      'thresholds of other classes',
      { detection: { stride: 4, most: 150, overlap: 0.6, thresholds: [0.5] } },
      /is damaged: it has 1 thresholds for 2 classes/,
    ],
    ['another task', { task: { type: 'multi-label' } }, /output|multi-label/],
  ])('refuses a file with %s', async (name, change, message) => {
    await expectRefusal(evaluate(described(name, change)), message);
  });

  it('refuses a file without metadata, and with damaged ones', async () => {
    const withProps = (change: (props: OnnxFile['metadataProps']) => OnnxFile['metadataProps']): string => {
      const file = join(folder, 'props.onnx');
      const parsed = parseOnnx(trained.onnx);
      parsed.metadataProps = change(parsed.metadataProps);
      writeFileSync(file, toBinary(ModelProtoSchema, parsed));
      return file;
    };
    const none = await evaluate(withProps(() => []));
    expect(none.err).toMatch(/has 2 outputs .*, not one\n *A detector of nas says its task in its metadata/);
    for (const value of [
      '',
      '7',
      '{"stride":0,"most":1,"overlap":1}',
      '{"stride":4,"most":1,"overlap":0.5,"thresholds":[2]}',
    ]) {
      const { err } = await evaluate(
        withProps((props) => props.map((one) => (one.key === 'detection' ? { ...one, value } : one))),
      );
      expect(err).toMatch(/metadata is damaged: [^]*detection/);
    }
  });

  it('refuses data without boxes', async () => {
    const classes = makeTinyDataset(join(folder, 'classes'), { train: 4, test: 2 });
    await expectRefusal(nasInside(['evaluate', float, '--data', `fashion-mnist:${String(classes.path)}`]), /detection/);
    const { err: missing } = await nasInside(['evaluate', float, '--data', 'boxes:nowhere']);
    expect(missing).toMatch(/there is no .*nowhere/);
  });

  it('draws images with its boxes, and lists boxes by their side and the worst images', async () => {
    const sheet = join(folder, 'found.html');
    const { code, out, err } = await evaluate(float, '--split', 'validation', '--sheet', sheet, '--wrong');
    expect({ code, err }).toMatchObject({ code: 0 });
    for (const text of ['Found boxes by their side in pixels of the network', 'under 6 px', 'Images with most missed'])
      expect(out).toContain(text);
    const page = readFileSync(sheet, 'utf8');
    for (const text of ['aria-label="Precision and recall"', 'Images at equal distances in the data', 'AP50 '])
      expect(page).toContain(text);
    // Eight images, and the ones with mistakes.
    expect(page.split('<img ').length - 1).toBeGreaterThanOrEqual(8);
    expect(page).toMatch(/alt="\d{4}\.png"/);
    const { err: refused } = await evaluate(float, '--sheet', join(folder, 'found.txt'));
    expect(refused).toContain('a contact sheet is a page, a file with the extension .html');
  });
});

describe('nas quantize of a detector', () => {
  it('keeps AP50, gives each head a scale of its own, and stores thresholds of int8', async () => {
    const output = join(folder, 'int8.onnx');
    const args = ['quantize', float, '--data', data, '-o', output, '--images', '48', '--min-speedup', '0.01', '--json'];
    const out = await nasOut(...args);
    const found = JSON.parse(out) as {
      readonly accuracy: { readonly validation: { readonly fp32: number; readonly int8: number } };
      readonly floats: readonly object[];
      readonly verdict: string;
    };
    const { fp32, int8 } = found.accuracy.validation;
    expect(fp32 - int8).toBeLessThan(0.01);
    expect(found.floats).toEqual([]);
    expect(found.verdict).toMatch(/^int8 pays: .* as fast, AP50 /);
    const bytes = readFileSync(output);
    const { graph } = parseOnnx(bytes);
    const scaleOf = (name: string): Float32Array | undefined => {
      const reader = graph.node.find(({ output: [made] }) => made === name);
      const scale = graph.initializer.find((tensor) => tensor.name === reader?.input[1]);
      return scale && new Float32Array(new Uint8Array(scale.rawData).buffer);
    };
    expect(scaleOf('classes')).toHaveLength(1);
    expect(scaleOf('classes')).not.toEqual(scaleOf('boxes'));
    const { detection, precision, task } = readMetadata(bytes);
    expect({ precision, task }).toEqual({ precision: 'int8', task: { type: 'detection' } });
    expect(detection?.thresholds).toHaveLength(2);
    expect(detection?.thresholds).not.toEqual(trained.thresholds);
    const scores = await evaluateOnSplit(bytes, trained.dataset, 'validation');
    expect(scores.accuracy).toBe(int8);
  });
});

describe('a .tflite file of a detector', () => {
  it('has the scores of its ONNX file, in floats and in bytes', async () => {
    const int8 = join(folder, 'int8.onnx');
    for (const [file, most] of [
      [float, 1e-6],
      [int8, 0.01],
    ] as const) {
      const directory = `${file}-tflite`;
      const { code, err } = await nasInside(['export', file, '--to', 'tflite', '-o', directory]);
      expect({ code, err }).toMatchObject({ code: 0 });
      const ended = await evaluate(join(directory, 'model.tflite'), '--split', 'validation', '--json');
      expect(ended.code).toBe(0);
      const found = JSON.parse(ended.out) as Printed & { readonly latency: unknown };
      const expected = await evaluateOnSplit(readFileSync(file), trained.dataset, 'validation');
      expect(Math.abs(found.accuracy - expected.accuracy)).toBeLessThanOrEqual(most);
      expect(found.latency).toBeNull();
    }
    const damaged = join(folder, 'damaged.tflite');
    writeFileSync(damaged, readFileSync(join(`${float}-tflite`, 'model.tflite')).subarray(0, 3000));
    expect((await evaluate(damaged)).err).toMatch(/damaged\.tflite is damaged: /);
  });
});

describe('nas export --decoded', () => {
  it('writes a file that gives boxes, which evaluate refuses in one sentence', async () => {
    const directory = join(folder, 'decoded');
    const { code, err } = await nasInside(['export', float, '--to', 'onnx', '--decoded', '-o', directory]);
    expect({ code, err }).toMatchObject({ code: 0 });
    const file = join(directory, 'model.onnx');
    expect(parseOnnx(readFileSync(file)).graph.output.map(({ name }) => name)).toEqual(['boxes', 'scores', 'labels']);
    expect((await evaluate(file)).err).toMatch(/no outputs of a detector[^]*--decoded are for other programs/);
    const tflite = await nasInside(['export', float, '--to', 'tflite', '--decoded', '-o', directory, '--force']);
    expect(tflite.err).toMatch(/--decoded goes with --to onnx/);
  });
});
