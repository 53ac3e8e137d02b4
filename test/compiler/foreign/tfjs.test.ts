import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NasError } from '../../../base/errors.js';
import {
  classifierFile,
  foreignNetwork,
  onnxSignature,
  parseOnnx,
  runOnnx,
  tfjsInput,
} from '../../../compiler/index.js';
import { temporaryFolder } from '../../support/temporary.js';
import { writeGraph } from './graph-model.js';

const images = Float32Array.from({ length: 2 * 8 * 8 * 3 }, (_, i) => Math.sin(i));

async function expected(folder: string): Promise<Float32Array> {
  const { loadGraphModel } = await import('@tensorflow/tfjs-converter');
  const { readTfjs } = await import('../../../compiler/foreign/tfjs-files.js');
  const { json, weights: weightData } = await readTfjs(folder);
  const weightSpecs = json.weightsManifest.flatMap((group) => group.weights) as unknown as tf.io.WeightsManifestEntry[];
  const model = await loadGraphModel({
    load: () => Promise.resolve({ modelTopology: json.modelTopology, weightSpecs, weightData }),
  });
  const output = model.execute(tf.tensor(images, [2, 8, 8, 3])) as tf.Tensor;
  return (await output.data()) as Float32Array;
}

beforeAll(() => tf.setBackend('cpu'));

describe('a TF.js graph model', () => {
  let folder: string;
  beforeAll(() => {
    folder = writeGraph(mkdtempSync(join(tmpdir(), 'nas-graph-')));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('answers as TF.js does, with weights of floats, halves, bytes and words', async () => {
    const bytes = await classifierFile(folder);
    expect(onnxSignature(parseOnnx(bytes, 'it'), 'it')).toMatchObject({
      facts: { layout: 'NHWC', classes: ['a', 'b', 'c', 'd'] },
      end: 'softmax',
    });
    const found = await runOnnx(bytes, 'it', images, [2, 8, 8, 3]);
    for (const [i, value] of (await expected(folder)).entries()) expect(found[i]).toBeCloseTo(value, 5);
  });

  it('is read from its folder, its model.json and a .zip alike', async () => {
    const zip = join(temporaryFolder(), 'graph.zip');
    execFileSync('python3', ['-m', 'zipfile', '-c', zip, basename(folder)], { cwd: dirname(folder) });
    const [first, ...others] = await Promise.all(
      [folder, join(folder, 'model.json'), zip].map((path) => classifierFile(path)),
    );
    for (const other of others) expect(other).toEqual(first);
  });

  it('says the size of its images without its weights', async () => {
    const alone = join(temporaryFolder(), 'alone');
    mkdirSync(alone);
    copyFileSync(join(folder, 'model.json'), join(alone, 'model.json'));
    expect(await tfjsInput(alone)).toEqual([8, 8, 3]);
    writeFileSync(join(alone, 'metadata.json'), '{"input": [16, 16, 3]}');
    expect(await tfjsInput(alone)).toEqual([16, 16, 3]);
    await expectSentence(alone, /^the TF\.js model .* cannot be loaded: group1-shard1of2\.bin is missing$/);
    const zip = join(temporaryFolder(), 'alone.zip');
    execFileSync('python3', ['-m', 'zipfile', '-c', zip, join(alone, 'model.json')]);
    await expectSentence(zip, /^the TF\.js model .* cannot be loaded: group1-shard1of2\.bin is missing$/);
  });

  it('keeps the names of its values and weights', async () => {
    const bytes = await classifierFile(folder);
    for (const features of ['model/mean', 'mean'])
      expect(foreignNetwork(bytes, { where: 'it', features }).features).toBe('mean [6]');
    const network = foreignNetwork(bytes, { where: 'it' });
    expect(network.features).toBe('mean [6]');
    const names = network.weights.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['model/stem/kernel', 'model/depthwise/bias', 'model/norm/scale', 'model/dense/kernel']),
    );
    expect(() => foreignNetwork(bytes, { where: 'it', features: 'pool' })).toThrow(/'pool'/);
  });
});

/** As large as graphs are. */
const many = Array.from({ length: 2000 }, (_, i) => ({ name: `node${i}`, op: 'Conv2D', input: ['x', 'y'] }));

it('a layers model says the size of its images in its first layer', async () => {
  const folder = temporaryFolder();
  const layers = [{ class_name: 'Conv2D', config: { batch_input_shape: [null, 32, 24, 1] } }];
  const modelTopology = { model_config: { class_name: 'Sequential', config: { layers } } };
  const write = (topology: object) =>
    writeFileSync(join(folder, 'model.json'), JSON.stringify({ modelTopology: topology, weightsManifest: [] }));
  write(modelTopology);
  expect(await tfjsInput(folder)).toEqual([32, 24, 1]);
  write({ ...modelTopology, model_config: { batch_input_shape: [null, null, null, 3] } });
  expect(await tfjsInput(folder)).toBeUndefined();
  write({ model_config: {} });
  await expect(tfjsInput(folder)).rejects.toThrow('cannot be loaded: it has no input');
});

it('a folder with model.onnx is that file', async () => {
  const folder = temporaryFolder();
  const fixture = fileURLToPath(new URL('fixtures/flat.onnx', import.meta.url));
  copyFileSync(fixture, join(folder, 'model.onnx'));
  writeFileSync(join(folder, 'metadata.json'), '{}');
  expect(Buffer.from(await classifierFile(folder)).equals(readFileSync(fixture))).toBe(true);
});

it.each<[string, object, RegExp]>([
  ['an empty graph', { modelTopology: { node: many }, weightsManifest: [] }, /cannot be loaded/],
  ['no model', { modelTopology: 1 }, /model\.json cannot be loaded: .*modelTopology/s],
  [
    'a damaged layers model',
    { modelTopology: { class_name: 'X', config: { node: many } }, weightsManifest: [] },
    /cannot be loaded/,
  ],
])('%s is refused in a sentence', async (name, content, message) => {
  const folder = join(temporaryFolder(), name.replaceAll(' ', '-'));
  mkdirSync(folder);
  writeFileSync(join(folder, 'model.json'), JSON.stringify(content));
  await expectSentence(folder, message);
});

async function expectSentence(folder: string, message: RegExp): Promise<void> {
  const error: unknown = await classifierFile(folder).catch((cause: unknown) => cause);
  if (!(error instanceof NasError)) throw new Error(`it is read, or fails otherwise: ${String(error)}`);
  expect(error.message).toMatch(message);
  expect(error.message.length - folder.length).toBeLessThan(300);
}
