import { toBinary } from '@bufbuild/protobuf';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelProtoSchema } from 'onnx-buf';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseOnnx } from '../../compiler/index.js';
import { exportOnnx, readMetadata, withMetadata } from '../../deploy/index.js';
import { evaluateOnSplit } from '../../runner/index.js';
import type { Network } from '../../spaces/index.js';
import { initialWeights } from '../../spaces/models/index.js';
import { prepareDataset, type DataConfig, describeDataset } from '../../trainers/index.js';
import { classifier } from '../latency-models/devices/models.js';
import { makeTinyDataset } from '../support/tiny-dataset.js';
import { nasInside, expectRefusal } from './nas.js';
import { sharedFolder } from '../support/temporary.js';
import { metadataFor } from '../deploy/support/classifiers.js';

const folder = sharedFolder();
const data = join(folder, 'data');
const float = join(folder, 'float.onnx');
let config: DataConfig;

const network: Network = {
  kind: 'network',
  input: [28, 28, 1],
  classes: 10,
  stem: { filters: 16, kernel: 3, stride: 2, act: 'hard_swish' },
  blocks: [{ kind: 'mbconv', filters: 16, expand: 2, kernel: 3, stride: 2, se: 0.5, act: 'hard_swish' }],
  head: { filters: 32, act: 'hard_swish', dropout: 0 },
};

beforeAll(async () => {
  vi.stubEnv('NAS_CACHE', join(folder, 'cache'));
  config = makeTinyDataset(data, { train: 20, test: 10 });
  const { classes, mean, std } = describeDataset(await prepareDataset({ ...config, validation: 0.1 }));
  const metadata = metadataFor(network.input, classes, { mean, std });
  writeFileSync(float, exportOnnx({ network, weights: initialWeights(network, 1) }, metadata));
});
afterAll(() => vi.unstubAllEnvs());

const quantize = (model: string, output: string, ...args: string[]) =>
  nasInside(['quantize', model, '--data', `fashion-mnist:${data}`, '-o', output, ...args]);
const few = ['--images', '64'];

interface Printed {
  readonly method: string;
  readonly tried: readonly { readonly method: string; readonly accuracy: number }[];
  readonly images: number;
  readonly weightBits: number;
  readonly integers: string;
  readonly accuracy: { readonly validation: { int8: number }; readonly test: { fp32: number; int8: number } };
  readonly latency: { readonly fp32: { environment: object }; readonly int8: { environment: object } };
  readonly bytes: { readonly fp32: number; readonly int8: number };
  readonly pays: boolean;
  readonly reasons: readonly string[];
  readonly verdict: string;
}

describe('nas quantize', () => {
  it('writes a file with metadata, and compares before and after', async () => {
    const output = join(folder, 'int8.onnx');
    const { code, out, err } = await quantize(float, output, ...few, '--json');
    expect({ code, err }).toMatchObject({ code: 0 });
    const found = JSON.parse(out) as Printed;
    const model = readFileSync(output);
    expect(found.bytes).toEqual({ fp32: readFileSync(float).byteLength, int8: model.byteLength });
    expect(found.tried.map(({ method }) => method)).toEqual(['minmax', 'percentile']);
    expect(found.images).toBe(64);
    expect(found.weightBits).toBe(found.integers === 'saturating' ? 7 : 8);
    expect(found.latency).toMatchObject({
      fp32: { environment: { precision: 'fp32' } },
      int8: { environment: { precision: 'int8' } },
    });
    expect(readMetadata(model)).toMatchObject({
      precision: 'int8',
      quantization: { method: found.method, images: 64, weight_bits: found.weightBits },
      accuracy: { validation: found.accuracy.validation.int8, test: found.accuracy.test.int8 },
    });
    const dataset = await prepareDataset(config);
    expect((await evaluateOnSplit(model, dataset, 'test')).accuracy).toBe(found.accuracy.test.int8);
    expect((await evaluateOnSplit(readFileSync(float), dataset, 'test')).accuracy).toBe(found.accuracy.test.fp32);
    expect(found.pays).toBe(found.reasons.length === 0);
    expect(found.verdict).toMatch(found.pays ? /^int8 pays: / : /^int8 does not pay here: .*; keep the float model$/);

    const { out: evaluated } = await nasInside(['evaluate', output, '--data', `fashion-mnist:${data}`]);
    expect(evaluated).toMatch(/^precision +int8$/m);
    expect(evaluated).toContain(`${found.method}, 64 calibration images, weights of ${found.weightBits} bits`);
  });

  it('prints a table and a verdict; a file with data: only is enough', async () => {
    const output = join(folder, 'table.onnx');
    const file = join(folder, 'data.yaml');
    const args = ['--methods', 'minmax', '--weight-bits', '7', '--min-speedup', '1000', '--images', '500'];
    const command = ['quantize', float, '--data', file, '-o', output, ...args];
    writeFileSync(file, `data: {type: fashion-mnist, path: ${data}}\n`);
    const { code, out, err } = await nasInside(command);
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(existsSync(output)).toBe(true);
    for (const row of ['validation accuracy', 'test accuracy', 'latency', '95 % interval', 'file'])
      expect(out).toMatch(new RegExp(`^${row} .*\\d`, 'm'));
    expect(out).toMatch(/^weights +32 bits +7 bits$/m);
    expect(out).toMatch(/^calibration +minmax \(validation accuracy: minmax \d.*\), 180 training images$/m);
    expect(out).toMatch(/int8 does not pay here: it is \S+ × as fast \(min_speedup 1000\).*; keep the float model\n$/);
    expect(err).toContain('calibrated on 180 images: the training split has no more (500 were asked for)');
    expect(err).not.toContain('normalise');
    writeFileSync(file, 'data: {type: fashion-mnist, pth: x}\n');
    const mistaken = await nasInside(command);
    expect(mistaken.code).toBe(2);
    expect(mistaken.err).toMatch(/data\.yaml:1:\d+: data\.pth: unknown key 'pth'; .*did you mean 'path'/);
  });

  it('converts images of another normalisation, and warns when the file has none', async () => {
    const said = readMetadata(readFileSync(float));
    const other = join(folder, 'other.onnx');
    writeFileSync(other, withMetadata(readFileSync(float), { ...said, mean: [0.5], std: [0.25] }));
    const bare = parseOnnx(readFileSync(float));
    bare.metadataProps = [];
    const foreign = join(folder, 'foreign.onnx');
    writeFileSync(foreign, toBinary(ModelProtoSchema, bare));
    const quick = [...few, '--methods', 'minmax'];
    const converted = await quantize(other, join(folder, 'other.int8.onnx'), ...quick);
    expect(converted.err).toContain('the model normalises images differently from the data: images were converted');
    const output = join(folder, 'foreign.int8.onnx');
    const assumed = await quantize(foreign, output, ...quick);
    expect(assumed.err).toContain('the file has no normalisation');
    const { mean, std } = said;
    expect(readMetadata(readFileSync(output))).toMatchObject({ mean, std, layout: 'NHWC', precision: 'int8' });
  });

  const refusals: readonly (readonly [args: readonly [model: string, output: string, ...string[]], message: string])[] =
    [
      [['int8.onnx', 'x.onnx'], 'is quantized already'],
      [['float.onnx', 'float.onnx'], 'that is the model itself'],
      [['float.onnx', '.'], 'that is a folder'],
      [['text.onnx', 'x.onnx'], 'is not an ONNX model'],
      [['small.onnx', 'x.onnx'], 'does not fit images of'],
      [['float.onnx', 'x.onnx', '--device', `table:file=${join(folder, 't.csv')},column=a`], 'cannot time a file'],
      [['float.onnx', 'x.onnx', '--device', 'serial:port=/dev/nothing'], 'a board runs int8 alone'],
      [['float.onnx', 'x.onnx', '--methods', 'entropy'], '--methods: '],
      [['float.onnx', 'x.onnx', '--percentile', '120'], '--percentile: '],
      [['float.onnx', 'x.onnx', '--images', '0'], '--images: got 0; expected a whole number from 1'],
      [['float.onnx', 'x.onnx', '--threads', '0'], '--threads: got 0; expected a whole'],
      [['float.onnx', 'x.onnx', '--seed', '0.5'], '--seed: got 0.5; expected a whole'],
      [['float.onnx', 'x.onnx', '--min-speedup', '0'], '--min-speedup: got 0; '],
    ];
  it.each(refusals)('refuses %j without writing', async ([model, output, ...args], message) => {
    writeFileSync(join(folder, 'text.onnx'), 'not a model');
    writeFileSync(join(folder, 't.csv'), 'a\n1\n');
    writeFileSync(join(folder, 'small.onnx'), classifier(['N', 8, 8, 1], 64));
    const before = readFileSync(float);
    await expectRefusal(quantize(join(folder, model), join(folder, output), ...args), message);
    expect(existsSync(join(folder, 'x.onnx'))).toBe(false);
    expect(readFileSync(float)).toEqual(before);
  });

  it('leaves no files when it cannot write', async () => {
    const place = join(folder, 'file');
    writeFileSync(place, 'a file');
    const err = await expectRefusal(
      quantize(float, join(place, 'int8.onnx'), ...few, '--methods', 'minmax'),
      'int8.onnx: cannot be written: ',
    );
    expect(err).not.toContain('images');
    expect(readFileSync(place, 'utf8')).toBe('a file');
  });
});
