import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NasError } from '../../../base/errors.js';
import { Random } from '../../../base/random.js';
import {
  classifierFile,
  foreignNetwork,
  onnxSignature,
  parseOnnx,
  runOnnx,
  sizeOf,
  tfjsInput,
} from '../../../compiler/index.js';
import { temporaryFolder } from '../../support/temporary.js';

type Attributes = Readonly<Record<string, unknown>>;
const list = (...i: readonly number[]): Attributes => ({ list: { i: i.map(String) } });
const words = (...texts: readonly string[]): Attributes => ({
  list: { s: texts.map((text) => Buffer.from(text).toString('base64')) },
});
const word = (text: string): Attributes => ({ s: Buffer.from(text).toString('base64') });
const float = { type: 'DT_FLOAT' };
const window = { strides: list(1, 2, 2, 1), padding: word('SAME'), data_format: word('NHWC') };

interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Attributes;
}
const node = (name: string, op: string, input: readonly string[], attr: Attributes = {}): GraphNode => ({
  name,
  op,
  input,
  attr: { T: float, ...attr },
});

/** Weights of the graph by name, and how each is stored. */
const weights = {
  'model/stem/kernel': { shape: [3, 3, 3, 6], dtype: 'uint8' },
  'model/stem/bias': { shape: [6], dtype: 'float32' },
  'model/depthwise/kernel': { shape: [3, 3, 6, 1], dtype: 'float16' },
  'model/depthwise/bias': { shape: [6], dtype: 'float32' },
  'model/norm/scale': { shape: [6], dtype: 'float32' },
  'model/norm/offset': { shape: [6], dtype: 'float32' },
  'model/norm/mean': { shape: [6], dtype: 'float32' },
  'model/norm/variance': { shape: [6], dtype: 'float32' },
  'model/dense/kernel': { shape: [6, 4], dtype: 'uint16' },
  'model/dense/bias': { shape: [4], dtype: 'float32' },
} as const;

const constant = (name: string): GraphNode => ({ name, op: 'Const', input: [], attr: { dtype: float } });
const numbers = (name: string, ...values: readonly number[]) => ({
  weight: { name, shape: [values.length], dtype: 'int32' },
  bytes: Buffer.from(new Int32Array(values).buffer),
  node: { ...constant(name), attr: { dtype: { type: 'DT_INT32' } } },
});

/** A graph as converters of TensorFlow write it: fused convolutions, a norm of its own, and a mean over the map. */
const graph: readonly GraphNode[] = [
  node('images', 'Placeholder', [], {
    dtype: float,
    shape: { shape: { dim: [-1, 8, 8, 3].map((size) => ({ size: String(size) })) } },
  }),
  node('model/stem/relu6', '_FusedConv2D', ['images', 'model/stem/kernel', 'model/stem/bias'], {
    ...window,
    dilations: list(1, 1, 1, 1),
    num_args: { i: '1' },
    fused_ops: words('BiasAdd', 'Relu6'),
  }),
  node(
    'model/depthwise/out',
    'FusedDepthwiseConv2dNative',
    ['model/stem/relu6', 'model/depthwise/kernel', 'model/depthwise/bias'],
    {
      ...window,
      strides: list(1, 1, 1, 1),
      dilations: list(1, 1, 1, 1),
      num_args: { i: '1' },
      fused_ops: words('BiasAdd'),
    },
  ),
  node(
    'model/norm/out',
    'FusedBatchNormV3',
    ['model/depthwise/out', ...['scale', 'offset', 'mean', 'variance'].map((one) => `model/norm/${one}`)],
    {
      epsilon: { f: 0.001 },
      data_format: word('NHWC'),
      is_training: { b: false },
      U: float,
    },
  ),
  node('model/add', 'AddV2', ['model/norm/out', 'model/stem/relu6']),
  node('model/mean', 'Mean', ['model/add', 'model/mean/axes'], { Tidx: { type: 'DT_INT32' }, keep_dims: { b: false } }),
  node('model/dense/out', '_FusedMatMul', ['model/mean', 'model/dense/kernel', 'model/dense/bias'], {
    transpose_a: { b: false },
    transpose_b: { b: false },
    num_args: { i: '1' },
    fused_ops: words('BiasAdd'),
  }),
  node('Identity', 'Softmax', ['model/dense/out']),
];

/** Numbers of a weight as they are stored, in bytes, and how to get floats from them. */
function stored(dtype: string, count: number, random: Random) {
  const bytes = (array: Uint8Array | Uint16Array | Float32Array): Buffer => Buffer.from(array.buffer);
  const draw = (most: number) => Array.from({ length: count }, () => Math.floor(random.uniform() * most));
  if (dtype === 'uint8')
    return { data: bytes(Uint8Array.from(draw(256))), quantization: { dtype, min: -0.5, scale: 1 / 256 } };
  if (dtype === 'uint16')
    return { data: bytes(Uint16Array.from(draw(65536))), quantization: { dtype, min: -1, scale: 2 / 65536 } };
  // Halves between 0.5 and 1.
  if (dtype === 'float16')
    return { data: bytes(Uint16Array.from(draw(1024), (n) => 0x3800 + n)), quantization: { dtype } };
  return { data: bytes(Float32Array.from(draw(1000), (n) => n / 1000 + 0.1)) };
}

/** Writes the graph model in two files of weights. */
function writeGraph(
  folder: string,
  change: (nodes: readonly GraphNode[]) => readonly GraphNode[] = (nodes) => nodes,
): string {
  mkdirSync(folder, { recursive: true });
  const random = new Random(5);
  const axes = numbers('model/mean/axes', 1, 2);
  const specs: object[] = [axes.weight];
  const parts: Buffer[] = [axes.bytes];
  for (const [name, { shape, dtype }] of Object.entries(weights)) {
    const { data, quantization } = stored(dtype, sizeOf(shape), random);
    specs.push({ name, shape, dtype: 'float32', ...(quantization && { quantization }) });
    parts.push(data);
  }
  const bytes = Buffer.concat(parts);
  const paths = ['group1-shard1of2.bin', 'group1-shard2of2.bin'];
  writeFileSync(join(folder, paths[0]), bytes.subarray(0, 100));
  writeFileSync(join(folder, paths[1]), bytes.subarray(100));
  const nodes = [axes.node, ...Object.keys(weights).map(constant), ...graph];
  const model = {
    format: 'graph-model',
    modelTopology: { node: change(nodes), versions: {} },
    weightsManifest: [{ paths, weights: specs }],
    userDefinedMetadata: { classes: ['a', 'b', 'c', 'd'] },
  };
  writeFileSync(join(folder, 'model.json'), JSON.stringify(model));
  return folder;
}

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
    const [first, ...others] = await Promise.all([folder, join(folder, 'model.json'), zip].map(classifierFile));
    for (const other of others) expect(other).toEqual(first);
  });

  it('says the size of its images without its weights', async () => {
    const alone = join(temporaryFolder(), 'alone');
    mkdirSync(alone);
    copyFileSync(join(folder, 'model.json'), join(alone, 'model.json'));
    expect(await tfjsInput(alone)).toEqual([8, 8, 3]);
    writeFileSync(join(alone, 'metadata.json'), '{"input": [16, 16, 3]}');
    expect(await tfjsInput(alone)).toEqual([16, 16, 3]);
    await expectSentence(alone, /^the TF\.js model .* cannot be loaded: ENOENT/);
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
  writeFileSync(join(folder, 'model.onnx'), 'bytes');
  writeFileSync(join(folder, 'metadata.json'), '{}');
  expect(Buffer.from(await classifierFile(folder)).toString()).toBe('bytes');
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

it.each<[string, (node: GraphNode) => GraphNode, RegExp]>([
  ['an operation of another program', (one) => (one.op === 'Mean' ? { ...one, op: 'DecodeJpeg' } : one), /DecodeJpeg/],
  [
    'a graph that lacks a node',
    (one) => ({ ...one, name: one.name.replace('dense/kernel', 'dense/other') }),
    /model\/dense\/out reads model\/dense\/kernel, which is not there/,
  ],
])('%s is refused in a sentence', async (name, change, message) => {
  const folder = writeGraph(join(temporaryFolder(), name.replaceAll(' ', '-')), (nodes) => nodes.map(change));
  await expectSentence(folder, message);
});

async function expectSentence(folder: string, message: RegExp): Promise<void> {
  const error: unknown = await classifierFile(folder).catch((cause: unknown) => cause);
  if (!(error instanceof NasError)) throw new Error(`it is read, or fails otherwise: ${String(error)}`);
  expect(error.message).toMatch(message);
  expect(error.message.length - folder.length).toBeLessThan(300);
}
